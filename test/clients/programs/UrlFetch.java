// One HTTPS request with HttpsURLConnection. Arguments: proxy port, host, pin (hex) or -.
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.HttpsURLConnection;

public class UrlFetch {
    public static void main(String[] args) throws Exception {
        var proxy = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
        var connection = (HttpsURLConnection) URI.create("https://" + args[1] + "/").toURL().openConnection(proxy);
        connection.setSSLSocketFactory(PinTrust.context(args[2]).getSocketFactory());
        connection.setConnectTimeout(20_000);
        connection.setReadTimeout(20_000);
        System.out.println(new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }
}
