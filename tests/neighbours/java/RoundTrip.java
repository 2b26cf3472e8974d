import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.File;

/**
 * Reads each text into its generated class, writes it, and fails if something was lost. The
 * settings are those that docs/clients.md asks a producer for.
 *
 * <p>java RoundTrip trips.json
 */
class RoundTrip {
    public static void main(String[] arguments) throws Exception {
        var json = JsonMapper.builder()
                .addModule(new JavaTimeModule())
                .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                .disable(DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
                .build();
        var failed = false;
        for (JsonNode trip : json.readTree(new File(arguments[0]))) {
            var name = trip.get("package").asText() + "." + trip.get("type").asText();
            for (JsonNode text : trip.get("texts")) {
                var value = json.readValue(text.asText(), Class.forName(name));
                var written = json.writeValueAsString(value);
                if (!json.readTree(written).equals(json.readTree(text.asText()))) {
                    System.err.println(name + " made of " + text.asText() + "\n  " + written);
                    failed = true;
                }
            }
            for (var field : trip.get("fields").properties()) {
                var type = Class.forName(name).getDeclaredField(field.getKey()).getType();
                if (!type.getSimpleName().equals(field.getValue().asText())) {
                    System.err.println(name + "." + field.getKey() + " is a " + type);
                    failed = true;
                }
            }
        }
        System.exit(failed ? 1 : 0);
    }
}
