"""Which parameters of a stage cannot be right, and the cure for each. No I/O."""

import dataclasses
import re
import ssl

# What is large in a function's environment, and how many bytes Lambda's 4 KB have for these
# together: the rest of completion's, which is the largest, was measured at less than 1,400.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGE = ("KafkaRootsPem", "ProviderSettings", "KafkaBootstrapServers")
MOST_OF_LARGE = 2600
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):([0-9]*):(.*)", re.DOTALL)
# A change replaces what it names: a mapping and its place in the topic, or a bucket.
NEVER_CHANGES = {
    "ConsumerGroups": "the consumers would lose their places in the topics",
    "StartingPosition": "AWS would replace the mappings",
    "StartingPositionTimestamp": "AWS would replace the mappings",
    "Assets": "the assets would stay in another bucket",
    "AssetsBucketName": "the assets would stay in another bucket",
    "DeadLettersBucketName": "the dead letters would stay in another bucket",
}
# What an earlier version did that did not have the parameter.
UNSAID = {"ConsumerGroups": "shared"}


@dataclasses.dataclass(frozen=True)
class Refusal:
    key: str
    value: str
    why: str
    cure: str

    def __str__(self) -> str:
        """One line: the parameter, the beginning of its value, what is wrong with it, the cure."""
        line = " ".join(self.value.split())
        begin = line if len(line) <= 60 else f"{line[:60]}…"
        return f"{self.key}: {begin} {self.why}: {self.cure}".replace(":  ", ": ")


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter as a template describes it."""

    default: str | None
    is_number: bool
    allowed: tuple[str, ...]
    pattern: str | None
    least: float | None
    most: float | None
    shortest: int
    longest: int | None

    @classmethod
    def of(cls, described: dict) -> "Parameter":
        default, pattern = described.get("Default"), described.get("AllowedPattern")
        return cls(
            default=None if default is None else str(default),
            is_number=described["Type"] == "Number",
            allowed=tuple(map(str, described.get("AllowedValues", []))),
            pattern=pattern,
            least=described.get("MinValue"),
            most=described.get("MaxValue"),
            shortest=int(described.get("MinLength", 0)),
            longest=described.get("MaxLength"),
        )

    def wrong(self, value: str) -> tuple[str, str] | None:
        """What is wrong with a value, and the cure."""
        if self.allowed and value not in self.allowed:
            allowed = ", ".join(each or '""' for each in self.allowed)
            return "is not allowed", f"choose one of {allowed}"
        if self.is_number:
            return self.wrong_number(value)
        if self.pattern and not re.fullmatch(self.pattern, value):
            return "has another form", f"the template wants {self.pattern}"
        if len(value) < self.shortest:
            return f"has {len(value)} characters", f"it needs at least {self.shortest}"
        if self.longest is not None and len(value) > int(self.longest):
            return f"has {len(value)} characters", f"it may have at most {self.longest}"
        return None

    def wrong_number(self, value: str) -> tuple[str, str] | None:
        # None of the template's is anything else.
        if not re.fullmatch(r"-?[0-9]+", value):
            return "is not a whole number", "write it in digits"
        if self.least is not None and float(value) < float(self.least):
            return "is too low", f"at least {self.least}"
        if self.most is not None and float(value) > float(self.most):
            return "is too high", f"at most {self.most}"
        return None


def refusals(
    known: dict[str, Parameter],
    values: dict[str, str],
    *,
    stage: str,
    region: str,
    account: str | None = None,
    brokers: str | None = None,
    before: dict[str, str] | None = None,
) -> list[Refusal]:
    """All refusals of a stage's values. Without an account, none is compared; without brokers, they
    are still to be looked up; `before` has what is deployed."""
    return [
        *of_form(known, values, is_looked_up=brokers is None),
        *of_stage(values, stage),
        *of_places(values, region, account),
        *of_brokers(values, brokers),
        *of_network(values),
        *of_concurrency(values),
        *of_the_environment(values),
        *of_roots(values.get("KafkaRootsPem", "")),
        *of_what_belongs_together(values),
        *of_tags(values.get("CostCentre", "")),
        *of_changes(known, values, before),
    ]


def of_form(known, values, is_looked_up):
    for key, value in values.items():
        if key not in known:
            yield Refusal(
                key, value, "is for no parameter of infra/template.yaml", "see its Parameters"
            )
        elif problem := known[key].wrong(value):
            yield Refusal(key, value, *problem)
    for key in known:
        if key not in values and not (key == "KafkaBootstrapServers" and is_looked_up):
            yield Refusal(key, "", "is missing", where_to_write(key))


def where_to_write(key):
    written = {
        "KafkaClusterArn": "set KAFKA_CLUSTER_ARN",
        "SubnetIds": "set SUBNET_IDS, separated by commas",
        "SecurityGroupIds": "set SECURITY_GROUP_IDS, separated by commas",
    }
    return written.get(key, f'write "{key}=…" in infra/samconfig.toml')


def of_stage(values, stage):
    written = values.get("Stage")
    if written is not None and written != stage:
        yield Refusal("Stage", written, f"is written for the stage {stage}", f"write Stage={stage}")


def of_places(values, region, account):
    """An ARN of another region or account, and a cluster of another name."""
    for key, value in values.items():
        for arn in value.split(",") if key.endswith(("Arn", "Arns")) else []:
            found = ARN.fullmatch(arn.strip())
            if not found:
                continue
            service, of_region, of_account, resource = found.groups()
            if of_region and of_region != region:
                yield Refusal(key, arn, f"is in {of_region}", f"the stage is in {region}")
            # Topics of alarms, layers and keys may be of another account.
            ours = service in ("kafka", "iam") or resource.startswith("code-signing-config:")
            if account and ours and of_account and of_account != account:
                yield Refusal(
                    key, arn, f"is of the account {of_account}", f"you are signed in to {account}"
                )
    name, cluster = values.get("KafkaClusterName", ""), values.get("KafkaClusterArn", "")
    if name and cluster and f":cluster/{name}/" not in cluster:
        yield Refusal(
            "KafkaClusterName", name, f"is not the cluster of {cluster}", "name that one, or none"
        )


def of_brokers(values, brokers):
    written = values.get("KafkaBootstrapServers", "")
    if written and not re.fullmatch(r"[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*", written):
        cure = "write host:port, separated by commas, or leave it out"
        yield Refusal("KafkaBootstrapServers", written, "has another form", cure)
    elif written and brokers and set(written.split(",")) != set(brokers.split(",")):
        cure = f"AWS names {brokers}; leave the parameter out, and it is looked up"
        yield Refusal("KafkaBootstrapServers", written, "are not the cluster's brokers", cure)


def of_network(values):
    for key, begin in (("SubnetIds", "subnet-"), ("SecurityGroupIds", "sg-")):
        value = values.get(key)
        if value == "":
            yield Refusal(key, "", "is empty", where_to_write(key))
        elif value and not re.fullmatch(rf"{begin}[0-9a-z]+(,{begin}[0-9a-z]+)*", value):
            yield Refusal(key, value, "has another form", f"write {begin}…, separated by commas")


def of_concurrency(values):
    reserved, most = values.get("RenderReserved", ""), values.get("RenderConcurrency", "")
    if reserved.isdecimal() and most.isdecimal() and int(reserved) < int(most) + 2:
        why = f"is less than RenderConcurrency, {most}, and two for the dead-letter queue"
        yield Refusal("RenderReserved", reserved, why, f"write RenderReserved={int(most) + 2}")


def of_the_environment(values):
    sizes = [len(values.get(key, "").encode()) for key in LARGE]
    if sum(sizes) > MOST_OF_LARGE:
        names, each = f"{LARGE[0]}, {LARGE[1]} and {LARGE[2]}", " + ".join(map(str, sizes))
        why = f"have {each} bytes, and a function's environment of 4 KB holds {MOST_OF_LARGE}"
        cure = "keep the roots to which the brokers' certificates chain, and few settings"
        yield Refusal(names, "", why, cure)


def of_roots(pem):
    if not pem.strip():
        return
    blocks, rest = BLOCK.findall(pem), BLOCK.sub("", pem)
    if not blocks or "-----" in rest:
        cure = "write each from -----BEGIN CERTIFICATE----- to its end, with its lines"
        yield Refusal(
            "KafkaRootsPem", pem, "has no whole certificate" if not blocks else "is cut", cure
        )
    for number, block in enumerate(blocks, 1):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block)
        except ssl.SSLError:
            why = f"has a certificate that cannot be read, number {number}"
            yield Refusal("KafkaRootsPem", pem, why, "copy it anew")


def of_what_belongs_together(values):
    if (
        values.get("StartingPosition") == "AT_TIMESTAMP"
        and values.get("StartingPositionTimestamp") == "0"
    ):
        cure = "write StartingPositionTimestamp in seconds since 1970"
        yield Refusal("StartingPosition", "AT_TIMESTAMP", "has no time", cure)
    if values.get("Assets") == "given" and not values.get("AssetsBucketName"):
        yield Refusal("Assets", "given", "has no bucket", "write AssetsBucketName")


def of_tags(cost_centre):
    """`sam` splits a tag at each space, if an equal sign follows somewhere, also within quotes."""
    if " " in cost_centre and "=" in cost_centre:
        why = "has a space and an equal sign, and sam would make two tags of it"
        yield Refusal("CostCentre", cost_centre, why, "write it without one of them")


def of_changes(known, values, before):
    """Changes that lose something of what is deployed."""
    for key, lost in NEVER_CHANGES.items() if before else ():
        if key not in known or key not in values:
            continue
        deployed = before.get(key, UNSAID.get(key, known[key].default))
        if deployed is not None and values[key] != deployed:
            cure = f"write {key}={deployed}, or delete the stack and deploy it anew"
            yield Refusal(key, values[key], f"is another value than is deployed, and {lost}", cure)
