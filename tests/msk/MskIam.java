import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * Apache Kafka that authenticates clients as MSK does: by a URL for {@code kafka-cluster:Connect},
 * presigned with Signature Version 4. The broker computes the signature again from the secret of the
 * access key, and accepts a client that presents the same signature in time.
 *
 * <p>The settings are in the properties file that the system property {@code msk.iam} names; the
 * broker reads it for each token: {@code region}; {@code <access key id>=<secret>} for each known
 * key, with the session token after a space if there is one; {@code clock.ahead.seconds}, how far
 * the broker's clock is ahead of the machine's; {@code token.seconds}, the life of a token, if that
 * is shorter than the token says. The decision on each token goes to a file with the same name and
 * {@code .log} appended.
 *
 * <p>The JVM runs this file directly:
 * {@code java -cp 'libs/*' -Dmsk.iam=... MskIam.java server.properties}.
 */
public class MskIam implements AuthenticateCallbackHandler {
    private static final DateTimeFormatter AMZ_DATE = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    /** MSK's own limit; the signers give a token 15 minutes. */
    private static final long LONGEST_SECONDS = 900;

    public static void main(String[] arguments) {
        // Kafka loads the handler by name, and only the class loader of this file has it.
        Thread.currentThread().setContextClassLoader(MskIam.class.getClassLoader());
        kafka.Kafka.main(arguments);
    }

    /** A token is refused; the message goes to the client. */
    private static class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {}

    @Override
    public void close() {}

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            if (!(callback instanceof OAuthBearerValidatorCallback validated)) {
                throw new UnsupportedCallbackException(callback);
            }
            try {
                OAuthBearerToken token = validate(validated.tokenValue());
                log("accepted", token.principalName() + " signed at " + AMZ_DATE.format(Instant.ofEpochMilli(token.startTimeMs())));
                validated.token(token);
            } catch (Exception why) {
                String said = why instanceof Refused ? why.getMessage() : "the token cannot be read: " + why;
                log("refused", said);
                validated.error(said, null, null);
            }
        }
    }

    private static OAuthBearerToken validate(String value) throws Exception {
        Properties known = new Properties();
        try (var file = Files.newBufferedReader(settings())) {
            known.load(file);
        }
        URI url = URI.create(new String(Base64.getUrlDecoder().decode(value), StandardCharsets.UTF_8));
        // The signer adds its name after signing; everything else is signed.
        Map<String, String> query = query(url.getRawQuery());
        query.remove("User-Agent");
        String signature = query.remove("X-Amz-Signature");

        String region = known.getProperty("region");
        String[] credential = field(query, "X-Amz-Credential").split("/");
        String date = field(query, "X-Amz-Date");
        String scope = date.substring(0, 8) + "/" + region + "/kafka-cluster/aws4_request";
        require(url.getHost().equals("kafka." + region + ".amazonaws.com"), "the token is for " + url.getHost());
        require(field(query, "Action").equals("kafka-cluster:Connect"), "the token is for another action");
        require(field(query, "X-Amz-Algorithm").equals("AWS4-HMAC-SHA256"), "the token is signed in another way");
        require(field(query, "X-Amz-SignedHeaders").equals("host"), "the token signs other headers");
        require(String.join("/", credential).equals(credential[0] + "/" + scope), "the token has another scope");

        String secret = known.getProperty(credential[0]);
        require(secret != null, "no principal has the access key " + credential[0]);
        String[] parts = secret.split(" ");
        String session = parts.length == 2 ? parts[1] : null;
        require(java.util.Objects.equals(query.get("X-Amz-Security-Token"), session), "the session token is another");

        String canonical = "GET\n" + url.getRawPath() + "\n" + canonical(query) + "\nhost:" + url.getHost() + "\n\nhost\n" + sha256("");
        String toSign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + sha256(canonical);
        byte[] key = ("AWS4" + parts[0]).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) {
            key = hmac(key, part);
        }
        require(HexFormat.of().formatHex(hmac(key, toSign)).equals(signature), "the signature is another");

        long seconds = Long.parseLong(field(query, "X-Amz-Expires"));
        require(seconds <= LONGEST_SECONDS, "the token lives too long");
        seconds = Math.min(seconds, Long.parseLong(known.getProperty("token.seconds", "900")));
        Duration ahead = Duration.ofSeconds(Long.parseLong(known.getProperty("clock.ahead.seconds", "0")));
        Instant now = Instant.now().plus(ahead);
        Instant start = Instant.from(AMZ_DATE.parse(date));
        Instant end = start.plusSeconds(seconds);
        require(start.isBefore(now.plusSeconds(60)), "the token is of the future");
        require(now.isBefore(end), "the token ended at " + AMZ_DATE.format(end) + " and it is " + AMZ_DATE.format(now));
        return new Token(value, credential[0], start.toEpochMilli(), end.minus(ahead).toEpochMilli());
    }

    private record Token(String value, String principalName, Long startTimeMs, long lifetimeMs) implements OAuthBearerToken {
        @Override
        public Set<String> scope() {
            return Set.of();
        }
    }

    private static void require(boolean holds, String otherwise) throws Refused {
        if (!holds) {
            throw new Refused(otherwise);
        }
    }

    private static String field(Map<String, String> query, String name) throws Refused {
        String value = query.get(name);
        require(value != null, "the token has no " + name);
        return value;
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new TreeMap<>();
        for (String pair : raw.split("&")) {
            String[] halves = pair.split("=", 2);
            query.put(URLDecoder.decode(halves[0], StandardCharsets.UTF_8), URLDecoder.decode(halves[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    private static String canonical(Map<String, String> query) {
        return query.entrySet().stream().map(pair -> encode(pair.getKey()) + "=" + encode(pair.getValue())).collect(Collectors.joining("&"));
    }

    /** Percent-encoding as in Signature Version 4: RFC 3986. */
    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    private static String sha256(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] hmac(byte[] key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Path settings() {
        return Path.of(System.getProperty("msk.iam"));
    }

    private static synchronized void log(String decision, String what) {
        try {
            String line = decision + " " + what + "\n";
            Files.writeString(Path.of(settings() + ".log"), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (java.io.IOException failed) {
            throw new java.io.UncheckedIOException(failed);
        }
    }
}
