// The values of the template's parameters. With values in their places the template has no
// parameters any more, so what CloudFormation would refuse is refused here.

import { Token } from "aws-cdk-lib";
import template = require("./expanded.json");

interface Parameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedValues?: readonly (string | number)[];
  readonly AllowedPattern?: string;
  readonly MinValue?: number;
  readonly MaxValue?: number;
  readonly MaxLength?: number;
}
const parameters = template.Parameters as Readonly<Record<string, Parameter>>;

/**
 * The value of a parameter: the one that is given, or the template's default.
 *
 * @throws if the template does not allow it, or if it is known only after the deployment of
 *   something else and a condition needs it.
 */
export function valueOf(
  name: string,
  given: string | number | undefined,
  inCondition: boolean,
): string | number {
  const parameter = parameters[name] as Parameter;
  const value = given ?? parameter.Default;
  if (value === undefined) throw new Error(`${name} is missing`);
  if (Token.isUnresolved(value)) {
    if (inCondition) {
      throw new Error(
        `${name} is an attribute of another resource, and a condition of the template compares ` +
          "it before any resource is there: give the value itself",
      );
    }
    return value;
  }
  const fault = faultOf(parameter, value);
  if (fault !== undefined) throw new Error(`${name}: ${JSON.stringify(value)} ${fault}`);
  return value;
}

function faultOf(parameter: Parameter, value: string | number): string | undefined {
  const { Type, AllowedValues, AllowedPattern, MinValue, MaxValue, MaxLength } = parameter;
  if (AllowedValues && !AllowedValues.includes(value)) {
    return `is none of ${AllowedValues.map((allowed) => JSON.stringify(allowed)).join(", ")}`;
  }
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(`${value}`)) {
    return `is not of the form ${AllowedPattern}`;
  }
  if (Type === "Number" && !Number.isFinite(+value)) return "is not a number";
  if (MinValue !== undefined && +value < MinValue) return `is less than ${MinValue}`;
  if (MaxValue !== undefined && +value > MaxValue) return `is more than ${MaxValue}`;
  if (MaxLength !== undefined && `${value}`.length > MaxLength) {
    return `is longer than ${MaxLength} characters`;
  }
  return undefined;
}
