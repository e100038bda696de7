// A trust manager that asks the JVM's own first and then compares the server's certificate, inside the handshake.
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

final class PinTrust implements X509TrustManager {
    private final X509TrustManager own;
    private final String pin;

    private PinTrust(X509TrustManager own, String pin) {
        this.own = own;
        this.pin = pin;
    }

    /** A context for a pin (hex SHA-256 of the certificate); the JVM's default context where it is `-`. */
    static SSLContext context(String pin) throws Exception {
        if (pin.equals("-")) return SSLContext.getDefault();
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init((KeyStore) null);
        var context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] { new PinTrust((X509TrustManager) factory.getTrustManagers()[0], pin) }, null);
        return context;
    }

    static void check(X509Certificate certificate, String pin) throws CertificateException {
        if (!pin.equals("-") && !hash(certificate.getEncoded()).equals(pin)) throw new CertificateException("pin does not match");
    }

    private static String hash(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String kind) throws CertificateException {
        own.checkServerTrusted(chain, kind);
        check(chain[0], pin);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String kind) throws CertificateException {
        own.checkClientTrusted(chain, kind);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return own.getAcceptedIssuers();
    }
}
