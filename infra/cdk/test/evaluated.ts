// What CloudFormation makes of a template: parameters in their places, conditions decided. What
// only a deployment can tell, such as the ARN of a resource, stays as it is written.

type Json = any;
const NOTHING = Symbol("AWS::NoValue");

/** The resources and outputs that are made, with what they are made with. */
export function evaluated(template: Json, parameters: Record<string, Json> = {}): Json {
  const values = new Map<string, Json>(Object.entries(parameters));
  for (const [name, parameter] of Object.entries<Json>(template.Parameters ?? {})) {
    if (!values.has(name)) values.set(name, parameter.Default);
  }
  // CloudFormation has no numbers: a parameter is a string wherever it is put.
  const texts = new Map([...values].map(([name, value]) => [name, `${value}`]));
  const world = { texts, conditions: template.Conditions ?? {} };
  const made = (section: Json): Json =>
    Object.fromEntries(
      Object.entries<Json>(section ?? {})
        .filter(([, { Condition }]) => !Condition || holds(world, Condition))
        .map(([name, { Condition: _, ...entry }]) => [name, told(world, entry)]),
    );
  return { Resources: made(template.Resources), Outputs: made(template.Outputs) };
}

interface World {
  readonly texts: ReadonlyMap<string, string>;
  readonly conditions: Record<string, Json>;
}

function holds(world: World, condition: string): boolean {
  const found = told(world, world.conditions[condition]);
  if (typeof found !== "boolean") throw new Error(`${condition} is ${JSON.stringify(found)}`);
  return found;
}

function told(world: World, value: Json): Json {
  if (Array.isArray(value)) {
    return value.map((item) => told(world, item)).filter((item) => item !== NOTHING);
  }
  if (typeof value === "number") return `${value}`;
  if (typeof value !== "object" || value === null) return value;
  const names = Object.keys(value);
  if (names.length === 1) {
    const applied = FUNCTIONS[names[0] as string];
    if (applied) return applied(world, value[names[0] as string]);
  }
  const entries = names.map((name) => [name, told(world, value[name])]);
  return Object.fromEntries(entries.filter(([, item]) => item !== NOTHING));
}

const FUNCTIONS: Record<string, (world: World, argument: Json) => Json> = {
  Ref(world, name) {
    if (name === "AWS::NoValue") return NOTHING;
    return world.texts.get(name) ?? { Ref: name };
  },
  "Fn::GetAtt": (_, path) => ({ "Fn::GetAtt": typeof path === "string" ? path.split(".") : path }),
  "Fn::If"(world, [condition, yes, no]) {
    return told(world, holds(world, condition) ? yes : no);
  },
  "Fn::Equals"(world, sides) {
    const [one, other] = told(world, sides);
    return JSON.stringify(one) === JSON.stringify(other);
  },
  "Fn::Not": (world, [condition]) => !told(world, condition),
  "Fn::And": (world, conditions) => told(world, conditions).every((one: Json) => one === true),
  "Fn::Or": (world, conditions) => told(world, conditions).some((one: Json) => one === true),
  Condition(world, name) {
    // In a policy, `Condition` is a block of its own.
    return typeof name === "string" ? holds(world, name) : { Condition: told(world, name) };
  },
  "Fn::Split"(world, [by, text]) {
    const whole = told(world, text);
    return typeof whole === "string" ? whole.split(by) : { "Fn::Split": [by, whole] };
  },
  "Fn::Join"(world, [by, items]) {
    return joined(by, told(world, items));
  },
  "Fn::Select"(world, [index, items]) {
    return told(world, items)[index];
  },
  "Fn::Sub"(world, argument) {
    const [text, given] = Array.isArray(argument) ? argument : [argument, {}];
    const pieces = text.split(/\$\{([^!}][^}]*)\}/).map((piece: string, index: number) => {
      if (index % 2 === 0) return piece.replaceAll("${!", "${");
      if (piece in given) return told(world, given[piece]);
      if (piece.includes(".")) return { "Fn::GetAtt": piece.split(".") };
      return told(world, { Ref: piece });
    });
    return joined("", pieces);
  },
};

/** One text, if all its pieces are known; else a join whose neighbouring texts are one. */
function joined(by: string, items: Json): Json {
  if (!Array.isArray(items)) return { "Fn::Join": [by, items] };
  if (by !== "") {
    const known = items.every((item) => typeof item === "string");
    return known ? items.join(by) : { "Fn::Join": [by, items] };
  }
  const pieces: Json[] = [];
  const inner = (one: Json) => (one["Fn::Join"]?.[0] === "" ? one["Fn::Join"][1] : [one]);
  for (const item of items.flatMap(inner)) {
    const last = pieces.length - 1;
    if (typeof item === "string" && typeof pieces[last] === "string") pieces[last] += item;
    else if (item !== "") pieces.push(item);
  }
  if (pieces.length === 0) return "";
  return pieces.length === 1 ? pieces[0] : { "Fn::Join": ["", pieces] };
}
