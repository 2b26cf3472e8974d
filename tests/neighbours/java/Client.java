import com.fasterxml.jackson.databind.json.JsonMapper;
import io.cloudevents.kafka.CloudEventDeserializer;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's own client as a producer and as a consumer, with its own defaults; what it reads,
 * CloudEvents' SDK reads too.
 *
 * <p>java Client.java produce host:port: records from standard input
 *
 * <p>java Client.java consume host:port count topic …: prints that many records
 */
class Client {
    private static final JsonMapper JSON = new JsonMapper();

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("produce")) {
            produce(arguments[1]);
        } else {
            var topics = List.of(arguments).subList(3, arguments.length);
            consume(arguments[1], Integer.parseInt(arguments[2]), topics);
        }
    }

    private static void produce(String broker) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Map<String, Object> settings = Map.of("bootstrap.servers", broker);
        try (var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (String line; (line = lines.readLine()) != null; ) {
                var json = JSON.readTree(line);
                var record = new ProducerRecord<>(json.get("topic").asText(),
                        json.get("key").asText(), json.get("value").asText());
                for (var header : json.get("headers").properties()) {
                    var value = header.getValue().asText().getBytes(StandardCharsets.UTF_8);
                    record.headers().add(header.getKey(), value);
                }
                var partition = producer.send(record).get().partition();
                System.out.println(JSON.writeValueAsString(Map.of("partition", partition)));
            }
        }
    }

    private static void consume(String broker, int count, List<String> topics) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", broker,
                "group.id", "java-" + ProcessHandle.current().pid(), "auto.offset.reset", "earliest");
        try (var sdk = new CloudEventDeserializer();
                var consumer = new KafkaConsumer<>(
                        settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(topics);
            var left = count;
            while (left > 0) {
                var records = consumer.poll(Duration.ofSeconds(60));
                if (records.isEmpty()) {
                    throw new IllegalStateException(left + " records are missing");
                }
                for (var record : records) {
                    var event = sdk.deserialize(record.topic(), record.headers(), record.value());
                    var value = new String(record.value(), StandardCharsets.UTF_8);
                    if (!event.getId().equals(JSON.readTree(value).get("id").asText())) {
                        throw new IllegalStateException("the SDK reads " + event.getId());
                    }
                    Map<String, String> headers = new TreeMap<>();
                    record.headers().forEach(header -> headers.put(
                            header.key(), new String(header.value(), StandardCharsets.UTF_8)));
                    System.out.println(JSON.writeValueAsString(Map.of("topic", record.topic(),
                            "partition", record.partition(), "key", record.key(), "value", value,
                            "headers", headers)));
                    left -= 1;
                }
            }
        }
    }
}
