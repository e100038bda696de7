// One HTTPS request over an SSLSocket, compared after the handshake. Arguments: proxy port, host, pin (hex) or -.
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

public class SocketFetch {
    public static void main(String[] args) throws Exception {
        var tunnel = new Socket("127.0.0.1", Integer.parseInt(args[0]));
        tunnel.setSoTimeout(20_000);
        write(tunnel, "CONNECT " + args[1] + ":443 HTTP/1.1\r\nHost: " + args[1] + ":443\r\n\r\n");
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = tunnel.getInputStream().read();
            if (next < 0) throw new java.io.IOException("no answer from the proxy");
            head.append((char) next);
        }
        if (!head.toString().split("\r\n")[0].contains(" 200 ")) throw new java.io.IOException(head.toString());
        var secure = (SSLSocket) ((SSLSocketFactory) SSLSocketFactory.getDefault()).createSocket(tunnel, args[1], 443, true);
        var parameters = secure.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secure.setSSLParameters(parameters);
        try (secure) {
            secure.startHandshake();
            PinTrust.check((X509Certificate) secure.getSession().getPeerCertificates()[0], args[2]);
            write(secure, "GET / HTTP/1.1\r\nHost: " + args[1] + "\r\nConnection: close\r\n\r\n");
            System.out.println(new String(secure.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static void write(Socket socket, String text) throws java.io.IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
    }
}
