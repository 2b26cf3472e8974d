// The conditions and rules of the template. All of them compare parameters, so they are decided as
// soon as these have their values: what is not made is not in the app's stack at all.

type Json = any;
export type Values = Readonly<Record<string, unknown>>;

/**
 * The parameters that conditions compare. A rule may also compare what is known only later: that is
 * a value, and equal to none that is written in the template.
 */
export function compared(template: Json): ReadonlySet<string> {
  const found = JSON.stringify(template.Conditions).matchAll(/"Ref":"(\w+)"/g);
  return new Set([...found].map(([, name]) => name as string));
}

/**
 * The template with each condition decided, and without those resources that it leaves out.
 *
 * @throws what a rule says of values that do not go together
 */
export function decided(template: Json, values: Values): Json {
  const { Conditions, Rules, ...rest } = template;
  const holds = (condition: Json): boolean => {
    const [[name, argument]] = Object.entries<Json>(condition) as [[string, Json]];
    switch (name) {
      case "Condition":
        return holds(Conditions[argument]);
      case "Fn::Not":
        return !holds(argument[0]);
      case "Fn::And":
        return argument.every(holds);
      case "Fn::Or":
        return argument.some(holds);
      case "Fn::Equals":
        return text(argument[0]) === text(argument[1]);
      default:
        throw new Error(`a condition uses ${name}, which is not known here`);
    }
  };
  const text = (side: Json): string => `${side?.Ref === undefined ? side : values[side.Ref]}`;
  for (const { RuleCondition, Assertions } of Object.values<Json>(Rules ?? {})) {
    if (RuleCondition !== undefined && !holds(RuleCondition)) continue;
    for (const { Assert, AssertDescription } of Assertions) {
      if (!holds(Assert)) throw new Error(AssertDescription);
    }
  }
  const chosen = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(chosen);
    if (typeof value !== "object" || value === null) return value;
    const choice = value["Fn::If"];
    if (choice !== undefined) return chosen(choice[holds({ Condition: choice[0] }) ? 1 : 2]);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, chosen(item)]));
  };
  const made = (section: Json): Json => {
    const kept = Object.entries<Json>(section).filter(
      ([, { Condition }]) => Condition === undefined || holds({ Condition }),
    );
    const without = ([name, { Condition: _, ...entry }]: [string, Json]) => [name, chosen(entry)];
    return Object.fromEntries(kept.map(without));
  };
  return { ...rest, Resources: made(template.Resources), Outputs: made(template.Outputs) };
}
