//! The stack's processed template, as far as a mapping needs it: parameters, conditions and the
//! intrinsic functions that need no attribute of a resource
//! (docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
//! intrinsic-function-reference.html).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A template with the values of its references.
#[derive(Debug, Clone)]
pub struct Template {
    document: Value,
    references: BTreeMap<String, String>,
}

impl Template {
    /// Parses `body`, which is the template as JSON (CloudFormation converts a SAM template to
    /// JSON). `references` has the value of `Ref` by name: parameters, pseudo parameters and the
    /// physical ids of resources.
    ///
    /// # Errors
    /// [`Unresolved::NotJson`] if the body is anything else.
    pub fn parse(body: &str, references: BTreeMap<String, String>) -> Result<Self, Unresolved> {
        let document = serde_json::from_str(body).map_err(|source| Unresolved::NotJson {
            reason: source.to_string(),
        })?;
        Ok(Self::of(document, references))
    }

    /// The resources of a type by logical id, with their properties. Resources whose condition is
    /// false are left out.
    ///
    /// # Errors
    /// [`Unresolved`] if a resource's condition cannot be decided.
    pub fn resources_of(&self, kind: &str) -> Result<Vec<(&str, Properties<'_>)>, Unresolved> {
        let mut found = Vec::new();
        for (logical_id, resource) in self.document["Resources"].as_object().into_iter().flatten() {
            let exists = match resource.get("Condition").and_then(Value::as_str) {
                Some(condition) => self.holds(condition)?,
                None => true,
            };
            if exists && resource["Type"] == kind {
                found.push((
                    logical_id.as_str(),
                    Properties {
                        template: self,
                        values: &resource["Properties"],
                    },
                ));
            }
        }
        Ok(found)
    }

    /// The template in `document`.
    pub(super) fn of(document: Value, references: BTreeMap<String, String>) -> Self {
        Self {
            document,
            references,
        }
    }

    /// `value` with its functions resolved. `None` if it is `AWS::NoValue`.
    fn resolve(&self, value: &Value) -> Result<Option<Value>, Unresolved> {
        match value {
            Value::Array(items) => Ok(Some(Value::Array(
                items
                    .iter()
                    .filter_map(|item| self.resolve(item).transpose())
                    .collect::<Result<_, _>>()?,
            ))),
            Value::Object(map) => match single_entry(map) {
                Some((function, argument)) if function == "Ref" || function.starts_with("Fn::") => {
                    self.call(function, argument)
                }
                _ => {
                    let mut resolved = Map::new();
                    for (name, value) in map {
                        if let Some(value) = self.resolve(value)? {
                            resolved.insert(name.clone(), value);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Ok(Some(value.clone()))
            }
        }
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>, Unresolved> {
        let malformed = || Unresolved::Function {
            function: function.to_owned(),
        };
        match (function, argument) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => Ok(None),
            ("Ref", Value::String(name)) => {
                self.reference(name).map(|value| Some(Value::from(value)))
            }
            ("Fn::Sub", Value::String(text)) => self.substitute(text, &Map::new()).map(Some),
            ("Fn::Sub", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(text), Value::Object(values)] => {
                    self.substitute(text, values).map(Some)
                }
                _ => Err(malformed()),
            },
            ("Fn::Join", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(separator), Value::Array(parts)] => {
                    let parts = parts
                        .iter()
                        .map(|part| self.text(part, function))
                        .collect::<Result<Vec<_>, _>>()?;
                    Ok(Some(Value::from(parts.join(separator))))
                }
                _ => Err(malformed()),
            },
            ("Fn::If", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(condition), then, otherwise] => {
                    self.resolve(if self.holds(condition)? {
                        then
                    } else {
                        otherwise
                    })
                }
                _ => Err(malformed()),
            },
            ("Fn::FindInMap", Value::Array(arguments)) => {
                let keys = arguments
                    .iter()
                    .map(|key| self.text(key, function))
                    .collect::<Result<Vec<_>, _>>()?;
                keys.iter()
                    .try_fold(&self.document["Mappings"], |map, key| map.get(key))
                    .cloned()
                    .map(Some)
                    .ok_or_else(malformed)
            }
            _ => Err(malformed()),
        }
    }

    fn holds(&self, condition: &str) -> Result<bool, Unresolved> {
        match self.document["Conditions"].get(condition) {
            Some(expression) => self.decide(expression),
            None => Err(Unresolved::Reference {
                name: condition.to_owned(),
            }),
        }
    }

    fn decide(&self, expression: &Value) -> Result<bool, Unresolved> {
        let malformed = |function: &str| Unresolved::Function {
            function: function.to_owned(),
        };
        let (function, argument) = expression
            .as_object()
            .and_then(single_entry)
            .ok_or_else(|| malformed("condition"))?;
        match (function, argument) {
            ("Condition", Value::String(name)) => self.holds(name),
            ("Fn::Equals", Value::Array(sides)) => match sides.as_slice() {
                [one, other] => Ok(self.text(one, function)? == self.text(other, function)?),
                _ => Err(malformed(function)),
            },
            ("Fn::Not", Value::Array(inner)) => match inner.as_slice() {
                [inner] => Ok(!self.decide(inner)?),
                _ => Err(malformed(function)),
            },
            ("Fn::And", Value::Array(all)) => all
                .iter()
                .try_fold(true, |so_far, one| Ok(so_far & self.decide(one)?)),
            ("Fn::Or", Value::Array(any)) => any
                .iter()
                .try_fold(false, |so_far, one| Ok(so_far | self.decide(one)?)),
            _ => Err(malformed(function)),
        }
    }

    /// The value of `Ref` for a name.
    ///
    /// # Errors
    /// [`Unresolved::Reference`] if the stack has no such name.
    pub fn reference(&self, name: &str) -> Result<&str, Unresolved> {
        self.references
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| Unresolved::Reference {
                name: name.to_owned(),
            })
    }

    /// Fn::Sub: `${Name}` is replaced by a value of `values` or a reference, and `${!Name}` by the
    /// literal `${Name}`.
    fn substitute(&self, text: &str, values: &Map<String, Value>) -> Result<Value, Unresolved> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let (name, after) = after.split_once('}').ok_or_else(|| Unresolved::Function {
                function: "Fn::Sub".to_owned(),
            })?;
            match (name.strip_prefix('!'), values.get(name)) {
                (Some(literal), _) => {
                    result.push_str("${");
                    result.push_str(literal);
                    result.push('}');
                }
                (None, Some(value)) => result.push_str(&self.text(value, "Fn::Sub")?),
                (None, None) => result.push_str(self.reference(name)?),
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(Value::from(result))
    }

    fn text(&self, value: &Value, function: &str) -> Result<String, Unresolved> {
        match self.resolve(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            _ => Err(Unresolved::Function {
                function: function.to_owned(),
            }),
        }
    }
}

/// A resource's properties.
#[derive(Debug, Clone, Copy)]
pub struct Properties<'a> {
    template: &'a Template,
    values: &'a Value,
}

impl Properties<'_> {
    /// A property's value with its functions resolved. `None` if it is absent or `AWS::NoValue`.
    ///
    /// # Errors
    /// [`Unresolved`] if it needs more than the template, its parameters and the physical ids.
    pub fn get(&self, name: &str) -> Result<Option<Value>, Unresolved> {
        self.values
            .get(name)
            .map_or(Ok(None), |value| self.template.resolve(value))
    }

    /// Whether the template contains the property, whatever it resolves to.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some()
    }
}

fn single_entry(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = map.iter();
    match (entries.next(), entries.next()) {
        (Some((name, value)), None) => Some((name.as_str(), value)),
        _ => None,
    }
}

/// Why a value of the template cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// The processed template is not JSON.
    #[error("the processed template is not JSON: {reason}")]
    NotJson {
        /// The parser's error.
        reason: String,
    },
    /// A name is not a parameter, pseudo parameter, condition or resource of the stack.
    #[error("the template has no value for {name}")]
    Reference {
        /// The name.
        name: String,
    },
    /// A function is malformed, or needs a resource's attribute.
    #[error("{function} cannot be resolved without a deployment")]
    Function {
        /// The function's name.
        function: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolved(value: Value) -> Result<Option<Value>, Unresolved> {
        let document = json!({
            "Conditions": {
                "IsProduction": {"Fn::Equals": [{"Ref": "Stage"}, "production"]},
                "IsStaging": {"Fn::Not": [{"Condition": "IsProduction"}]},
                "Either": {"Fn::Or": [{"Condition": "IsProduction"}, {"Condition": "IsStaging"}]},
                "Both": {"Fn::And": [{"Condition": "IsProduction"}, {"Condition": "IsStaging"}]},
            },
            "Mappings": {"Sizes": {"staging": {"Batch": 10}}},
            "Resources": {
                "Here": {"Type": "T", "Condition": "IsStaging", "Properties": {"Value": value}},
                "There": {"Type": "T", "Condition": "IsProduction", "Properties": {}},
                "Other": {"Type": "U", "Properties": {}},
            },
        });
        let references = [("Stage", "staging"), ("Table", "studio-jobs")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let template = Template::parse(&document.to_string(), references.into()).unwrap();
        let resources = template.resources_of("T").unwrap();
        assert_eq!(
            resources.len(),
            1,
            "the resource whose condition does not hold is left out"
        );
        resources[0].1.get("Value")
    }

    #[test]
    fn parameters_conditions_and_substitutions_are_resolved() {
        for (value, expected) in [
            (json!({"Ref": "Stage"}), json!("staging")),
            (
                json!({"Fn::Sub": "a-${Stage}-${Table}-${!Stage}"}),
                json!("a-staging-studio-jobs-${Stage}"),
            ),
            (
                json!({"Fn::Sub": ["${x}-${Stage}", {"x": {"Ref": "Table"}}]}),
                json!("studio-jobs-staging"),
            ),
            (
                json!({"Fn::Join": ["/", ["a", {"Ref": "Stage"}, 1]]}),
                json!("a/staging/1"),
            ),
            (json!({"Fn::If": ["IsProduction", 1, 2]}), json!(2)),
            (json!({"Fn::If": ["Either", 1, 2]}), json!(1)),
            (json!({"Fn::If": ["Both", 1, 2]}), json!(2)),
            (
                json!({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Batch"]}),
                json!(10),
            ),
            (
                json!({"a": [{"Ref": "Stage"}, {"Ref": "AWS::NoValue"}], "b": {"Ref": "AWS::NoValue"}}),
                json!({"a": ["staging"]}),
            ),
        ] {
            assert_eq!(resolved(value.clone()), Ok(Some(expected)), "{value}");
        }
        assert_eq!(
            resolved(json!({"Fn::If": ["IsProduction", 1, {"Ref": "AWS::NoValue"}]})),
            Ok(None)
        );
    }

    #[test]
    fn a_value_that_needs_more_than_the_template_is_refused_by_name() {
        assert_eq!(
            resolved(json!({"Fn::GetAtt": ["Table", "Arn"]})),
            Err(Unresolved::Function {
                function: "Fn::GetAtt".to_owned()
            })
        );
        assert_eq!(
            resolved(json!({"Ref": "Stranger"})),
            Err(Unresolved::Reference {
                name: "Stranger".to_owned()
            })
        );
        assert_eq!(
            resolved(json!({"Fn::Sub": "${Table.Arn}"})),
            Err(Unresolved::Reference {
                name: "Table.Arn".to_owned()
            })
        );
    }
}
