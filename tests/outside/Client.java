// An old Java program: HttpURLConnection, in turn with fixed-length and with chunked uploads.
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;

public class Client {
    public static void main(String[] arguments) throws Exception {
        int number = 0;
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] order = line.split("\t");
            Path file = Path.of(order[2]);
            HttpURLConnection connection = (HttpURLConnection) new URL(order[1]).openConnection();
            connection.setConnectTimeout(20_000);
            connection.setReadTimeout(20_000);
            connection.setRequestMethod(order[0]);
            if (order[0].equals("PUT")) {
                connection.setDoOutput(true);
                if (number++ % 2 == 0) {
                    connection.setFixedLengthStreamingMode(Files.size(file));
                } else {
                    connection.setChunkedStreamingMode(8192);
                }
                try (OutputStream body = connection.getOutputStream()) {
                    Files.copy(file, body);
                }
            }
            if (connection.getResponseCode() != 200) {
                System.err.println(connection.getResponseCode() + " " + connection.getResponseMessage());
                System.exit(1);
            }
            try (InputStream body = connection.getInputStream()) {
                if (order[0].equals("GET")) {
                    Files.copy(body, file);
                }
            }
        }
    }
}
