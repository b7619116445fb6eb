// A newer Java program: HttpClient, which offers HTTP/2 with its first request, in turn with fixed-length and with chunked uploads.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

public class NewClient {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        int number = 0;
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] order = line.split("\t");
            Path file = Path.of(order[2]);
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(order[1])).timeout(Duration.ofSeconds(20));
            HttpResponse<?> response;
            if (order[0].equals("PUT")) {
                HttpRequest.BodyPublisher body = number++ % 2 == 0
                    ? BodyPublishers.ofFile(file)
                    : BodyPublishers.fromPublisher(BodyPublishers.ofFile(file));
                response = client.send(request.PUT(body).build(), BodyHandlers.discarding());
            } else {
                response = client.send(request.build(), BodyHandlers.ofFile(file));
            }
            if (response.statusCode() != 200) {
                System.err.println(response.statusCode() + " " + response.version());
                System.exit(1);
            }
        }
    }
}
