// One HTTPS request with OkHttp, its own pin being CertificatePinner. Arguments: proxy port, host, pin (base64 of the key's SHA-256) or -.
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.concurrent.TimeUnit;
import okhttp3.CertificatePinner;
import okhttp3.OkHttpClient;
import okhttp3.Request;

public class OkHttpFetch {
    public static void main(String[] args) throws Exception {
        var builder = new OkHttpClient.Builder().proxy(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0]))))
            .readTimeout(20, TimeUnit.SECONDS);
        if (!args[2].equals("-")) builder.certificatePinner(new CertificatePinner.Builder().add(args[1], "sha256/" + args[2]).build());
        try (var response = builder.build().newCall(new Request.Builder().url("https://" + args[1] + "/").build()).execute()) {
            System.out.println(response.body().string());
        }
        // Its connection pool keeps the JVM alive for five minutes otherwise.
        System.exit(0);
    }
}
