"""Metric math: the expressions of alarms on several metrics.
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

ministack refuses an alarm without a metric of its own, and the stack with it. Here such an alarm is
kept with its expressions, and `alarms` evaluates them. A function that this file does not have, and
a function of one series over time (`MAX(m1)`), is refused when the alarm is made.

Leaves when ministack's CloudFormation takes `Metrics` of an alarm, and its CloudWatch evaluates
them.
"""

import math
import operator
import re


def apply():
    from ministack.services.cloudformation import provisioners

    of_metric = provisioners._cw_metric_alarm_record

    def of_either(name, properties):
        queries = properties.get("Metrics")
        if not queries:
            return of_metric(name, properties)
        properties = {**properties, "Metrics": None, "MetricName": "none", "Namespace": "none"}
        record = of_metric(name, properties)
        queries = list(map(plain, queries))
        Alarm(queries).check()
        return {**record, "MetricName": "", "Namespace": "", "Metrics": queries}

    provisioners._cw_metric_alarm_record = of_either


def plain(query):
    """A query whose numbers and flags are no text, as a template may write them."""
    query = {**query, "ReturnData": str(query.get("ReturnData", True)).lower() == "true"}
    if "Period" in query:
        query["Period"] = int(query["Period"])
    if "MetricStat" in query:
        stat = query["MetricStat"]
        query["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    return query


class Alarm:
    """The queries of an alarm: metrics, and expressions on them. The one that returns data is the
    alarm's value."""

    def __init__(self, queries):
        self.metrics = {q["Id"]: q["MetricStat"] for q in queries if "MetricStat" in q}
        self.expressions = {
            q["Id"]: Expression(q["Expression"]) for q in queries if "Expression" in q
        }
        returned = [query for query in queries if query["ReturnData"]]
        if len(returned) != 1:
            raise ValueError("Exactly one query of an alarm must have ReturnData true")
        self.returned = returned[0]["Id"]
        periods = [stat["Period"] for stat in self.metrics.values()]
        if not periods:
            raise ValueError("An alarm's expression needs a metric")
        self.period = returned[0].get("Period") or min(periods)

    def value(self, value_of):
        """The alarm's value, where `value_of` gives that of each metric, or None where it has no
        data."""
        known = {}

        def of(id):
            if id not in known:
                if id in self.expressions:
                    known[id] = self.expressions[id].value(of, list(self.metrics))
                elif id in self.metrics:
                    known[id] = value_of(self.metrics[id])
                else:
                    raise ValueError(f"No query of the alarm has the id {id}")
            return known[id]

        value = of(self.returned)
        if isinstance(value, list):
            raise ValueError(f"{self.returned} is an array, and an alarm needs one series")
        return value

    def check(self):
        """Raises a ValueError if the alarm cannot be evaluated."""
        for anything in (None, 0.0, 1.0):
            self.value(lambda _stat, anything=anything: anything)


TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^()\[\],<>]))"
)
WORDS = {"&&": "AND", "||": "OR"}
# The operators by how loosely they bind.
LEVELS = (
    {"OR": lambda a, b: float(bool(a) or bool(b))},
    {"AND": lambda a, b: float(bool(a) and bool(b))},
    {
        sign: lambda a, b, holds=holds: float(holds(a, b))
        for sign, holds in {
            "==": operator.eq,
            "!=": operator.ne,
            "<=": operator.le,
            ">=": operator.ge,
            "<": operator.lt,
            ">": operator.gt,
        }.items()
    },
    {"+": operator.add, "-": operator.sub},
    # A point that would be divided by zero is no data.
    {"*": operator.mul, "/": lambda a, b: a / b if b else None},
    {"^": operator.pow},
)
OF_ARRAYS = {"SUM": sum, "MAX": max, "MIN": min, "AVG": lambda some: sum(some) / len(some)}
OF_ONE = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


class Expression:
    """An expression, evaluated for one moment: a series is its value then, or None if it has no
    data, and an array is a list of such values. An operator on no data has no data."""

    def __init__(self, text):
        self.text = text
        self.tokens = self.split()
        self.at = 0
        self.tree = self.binary(0)
        if self.at < len(self.tokens):
            self.refuse(f"`{self.tokens[self.at]}` is not expected")

    def value(self, of, metrics):
        """The value, where `of` gives that of an id, and `metrics` are all metrics' ids."""
        return self.tree(of, metrics)

    def refuse(self, why):
        raise ValueError(f"The expression {self.text!r} is not supported: {why}")

    def split(self):
        tokens, at, text = [], 0, self.text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                self.refuse(f"`{text[at:].strip()[0]}` is not expected")
            token = found[0].strip()
            tokens.append(WORDS.get(token, token))
            at = found.end()
        return tokens

    def next(self, expected=None):
        token = self.tokens[self.at] if self.at < len(self.tokens) else "the end"
        if expected and token != expected:
            self.refuse(f"`{expected}` is expected, not `{token}`")
        self.at += 1
        return token

    def is_next(self, *tokens):
        return self.at < len(self.tokens) and self.tokens[self.at] in tokens

    def binary(self, level):
        if level == len(LEVELS):
            return self.unary()
        tree = self.binary(level + 1)
        while self.is_next(*LEVELS[level]):
            action, left, right = LEVELS[level][self.next()], tree, self.binary(level + 1)
            tree = combined(action, left, right)
        return tree

    def unary(self):
        if self.is_next("-"):
            self.next()
            return each(operator.neg, self.unary())
        return self.primary()

    def primary(self):
        token = self.next()
        if token == "(":
            tree = self.binary(0)
            self.next(")")
            return tree
        if token == "[":
            trees = self.listed("]")
            return lambda *given: [tree(*given) for tree in trees]
        if token[0].isdigit() or token[0] == ".":
            return lambda *_given, number=float(token): number
        if not token[0].isalpha():
            self.refuse(f"`{token}` is not expected")
        if self.is_next("("):
            self.next()
            return self.call(token, self.listed(")"))
        return lambda of, _metrics: of(token)

    def listed(self, end):
        trees = []
        while not self.is_next(end):
            trees.append(self.binary(0))
            if not self.is_next(end):
                self.next(",")
        self.next(end)
        return trees

    def call(self, function, arguments):
        match function, arguments:
            case "METRICS", []:
                return lambda of, metrics: [of(id) for id in metrics]
            case ("SUM" | "MAX" | "MIN" | "AVG"), [array]:
                return self.of_array(function, array)
            case ("ABS" | "CEIL" | "FLOOR"), [one]:
                return each(OF_ONE[function], one)
            case "FILL", [series, filling]:
                return filled(series, filling)
            case "IF", [condition, then]:
                return chosen(condition, then, lambda *_: None)
            case "IF", [condition, then, otherwise]:
                return chosen(condition, then, otherwise)
        self.refuse(f"{function} with {len(arguments)} arguments is not known here")

    def of_array(self, function, array):
        def value(*given):
            values = array(*given)
            if not isinstance(values, list):
                self.refuse(f"{function} of one series is a value over time")
            values = [value for value in values if value is not None]
            return OF_ARRAYS[function](values) if values else None

        return value


def each(action, tree):
    def one(value):
        return None if value is None else action(value)

    def value(*given):
        operand = tree(*given)
        return list(map(one, operand)) if isinstance(operand, list) else one(operand)

    return value


def combined(action, left, right):
    """An operator on two series, or on each series of an array and one series."""

    def one(a, b):
        return None if a is None or b is None else action(a, b)

    def value(*given):
        a, b = left(*given), right(*given)
        if isinstance(a, list) and isinstance(b, list):
            return [one(x, y) for x, y in zip(a, b, strict=True)]
        if isinstance(a, list):
            return [one(x, b) for x in a]
        if isinstance(b, list):
            return [one(a, y) for y in b]
        return one(a, b)

    return value


def filled(series, filling):
    def value(*given):
        values, instead = series(*given), filling(*given)
        if isinstance(values, list):
            return [instead if value is None else value for value in values]
        return instead if values is None else values

    return value


def chosen(condition, then, otherwise):
    def value(*given):
        decides = condition(*given)
        if decides is None:
            return None
        if isinstance(decides, list):
            raise ValueError("IF of an array is not known here")
        return (then if decides else otherwise)(*given)

    return value
