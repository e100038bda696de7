// One HTTPS request with HttpsURLConnection; trusts the store the JVM was started with.
import java.net.URI;
import java.nio.charset.StandardCharsets;

public class Fetch {
    public static void main(String[] args) throws Exception {
        var connection = URI.create(args[0]).toURL().openConnection();
        connection.setConnectTimeout(20_000);
        connection.setReadTimeout(20_000);
        System.out.println(new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }
}
