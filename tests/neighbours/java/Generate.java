import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.codemodel.JCodeModel;
import java.io.File;
import java.io.OutputStream;
import java.io.PrintStream;
import org.jsonschema2pojo.DefaultGenerationConfig;
import org.jsonschema2pojo.Jackson2Annotator;
import org.jsonschema2pojo.SchemaGenerator;
import org.jsonschema2pojo.SchemaMapper;
import org.jsonschema2pojo.SchemaStore;
import org.jsonschema2pojo.rules.RuleFactory;

/**
 * jsonschema2pojo, with the settings that docs/clients.md names: a class for each schema of the
 * cases, in a package of its own.
 *
 * <p>java Generate.java cases.json folder
 */
class Generate {
    public static void main(String[] arguments) throws Exception {
        var settings = new DefaultGenerationConfig() {
            @Override
            public String getDateTimeType() {
                return "java.time.OffsetDateTime";
            }

            // An absent list stays absent.
            @Override
            public boolean isInitializeCollections() {
                return false;
            }

            // Its annotation is not in Java 17's own modules.
            @Override
            public boolean isIncludeGeneratedAnnotation() {
                return false;
            }
        };
        var folder = new File(arguments[1]);
        for (var entry : new JsonMapper().readTree(new File(arguments[0]))) {
            var rules = new RuleFactory(settings, new Jackson2Annotator(settings), new SchemaStore());
            var code = new JCodeModel();
            new SchemaMapper(rules, new SchemaGenerator()).generate(code, entry.get("type").asText(),
                    entry.get("package").asText(), entry.get("schema").toString());
            code.build(folder, new PrintStream(OutputStream.nullOutputStream()));
        }
    }
}
