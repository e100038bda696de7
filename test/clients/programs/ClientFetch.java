// One HTTPS request with java.net.http.HttpClient. Arguments: proxy port, host, pin (hex) or -.
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

public class ClientFetch {
    public static void main(String[] args) throws Exception {
        var client = HttpClient.newBuilder().proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0]))))
            .sslContext(PinTrust.context(args[2])).connectTimeout(Duration.ofSeconds(20)).build();
        var request = HttpRequest.newBuilder(URI.create("https://" + args[1] + "/")).timeout(Duration.ofSeconds(20)).build();
        System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
    }
}
