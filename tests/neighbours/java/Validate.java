import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** networknt's json-schema-validator: says of each case whether the schema takes it. */
class Validate {
    public static void main(String[] arguments) {
        var json = new JsonMapper();
        var registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
        List<List<Boolean>> verdicts = new ArrayList<>();
        for (JsonNode entry : json.readTree(Path.of(arguments[0]))) {
            Schema schema = registry.getSchema(entry.get("schema"));
            List<Boolean> of = new ArrayList<>();
            for (JsonNode one : entry.get("cases")) {
                of.add(schema.validate(one.get("json").asString(), InputFormat.JSON,
                        context -> context.executionConfig(c -> c.formatAssertionsEnabled(true)))
                        .isEmpty());
            }
            verdicts.add(of);
        }
        System.out.println(json.writeValueAsString(verdicts));
    }
}
