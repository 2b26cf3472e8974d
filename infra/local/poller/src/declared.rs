//! A mapping as it is declared, of topics or of a queue.
//!
//! For a deployed template there are two sources of settings. The processed template has the
//! requested ones. Lambda's record of the mapping has what the template only refers to: the resolved
//! function, source and destination. Neither is enough, because an emulator's record may lack
//! Kafka's own settings (topics, consumer group, pollers) and fills missing numbers with the defaults
//! of queues.

use std::ops::RangeInclusive;

use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionResponseType};
use serde_json::Value;

use super::error::Error;
use super::template::{Properties, Template};

/// The resource type of a mapping.
const MAPPING: &str = "AWS::Lambda::EventSourceMapping";

/// A resource of type `AWS::Lambda::EventSourceMapping`.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// The resource's logical id.
    pub logical_id: &'a str,
    /// The resource's properties.
    pub properties: Properties<'a>,
    /// Lambda's record of the mapping, if the template is deployed.
    pub record: Option<&'a EventSourceMappingConfiguration>,
}

impl<'a> Declared<'a> {
    /// The mappings of a template without a deployment, in order of logical id.
    pub(super) fn in_template(template: &'a Template) -> Result<Vec<Self>, Error> {
        let resources = template
            .resources_of(MAPPING)
            .map_err(|reason| Error::Template { reason })?;
        let declared = resources.into_iter().map(|(logical_id, properties)| Self {
            logical_id,
            properties,
            record: None,
        });
        Ok(declared.collect())
    }

    /// The mappings of a deployed template, in order of logical id: those whose properties are as
    /// wanted. `records` has Lambda's record of each mapping.
    ///
    /// # Errors
    /// [`Error`] if the template cannot be read, or if a mapping is not among the records.
    pub fn deployed(
        template: &'a Template,
        records: &'a [EventSourceMappingConfiguration],
        is_wanted: impl Fn(&Properties<'a>) -> bool,
    ) -> Result<Vec<Self>, Error> {
        let mut deployed = Self::in_template(template)?;
        deployed.retain(|one| is_wanted(&one.properties));
        for one in &mut deployed {
            let id = template.reference(one.logical_id).ok();
            let record = records
                .iter()
                .find(|record| id.is_some() && record.uuid() == id);
            let record = record.ok_or_else(|| Error::NotDeployed {
                mapping: one.logical_id.to_owned(),
            })?;
            one.record = Some(record);
        }
        Ok(deployed)
    }

    /// The mapping's id: a UUID, or the logical id if it is not deployed.
    ///
    /// # Errors
    /// [`Error::Wrong`] if the record has none.
    pub fn uuid(&self) -> Result<String, Error> {
        match self.record {
            Some(record) => self.recorded("UUID", record.uuid()),
            None => Ok(self.logical_id.to_owned()),
        }
    }

    /// The ARN or the name that a property refers to: that of the record, or else that of the
    /// resource.
    ///
    /// # Errors
    /// [`Error`] if there is none.
    pub fn arn(
        &self,
        property: &str,
        of_record: impl Fn(&EventSourceMappingConfiguration) -> Option<&str>,
    ) -> Result<String, Error> {
        match self.record {
            Some(record) => self.recorded(property, of_record(record)),
            None => match self.known(property)? {
                Some(Value::String(name)) if !name.is_empty() => Ok(name),
                _ => Err(self.wrong(property, "a name or an ARN")),
            },
        }
    }

    /// Whether the mapping polls. What the template says counts, because an emulator's record may say
    /// that every mapping is enabled.
    ///
    /// # Errors
    /// [`Error::Wrong`] if it is neither true nor false.
    pub fn enabled(&self) -> Result<bool, Error> {
        let state = self.record.and_then(|record| record.state());
        let recorded = !matches!(state, Some("Disabled" | "Disabling"));
        Ok(self.flag("Enabled", Some(recorded))?.unwrap_or(true))
    }

    /// Whether the function's response may list what failed.
    ///
    /// # Errors
    /// [`Error::Wrong`] if the property is no list.
    pub fn reports(&self) -> Result<bool, Error> {
        match self.properties.get("FunctionResponseTypes") {
            Ok(None) => Ok(false),
            Ok(Some(Value::Array(types))) => {
                Ok(types.iter().any(|kind| kind == "ReportBatchItemFailures"))
            }
            Ok(Some(_)) => Err(self.wrong("FunctionResponseTypes", "a list")),
            Err(_) => Ok(self.record.is_some_and(|record| {
                record
                    .function_response_types()
                    .contains(&FunctionResponseType::ReportBatchItemFailures)
            })),
        }
    }

    /// A property that only the resource has. `None` if it is absent.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it cannot be resolved.
    pub fn known(&self, property: &str) -> Result<Option<Value>, Error> {
        self.properties
            .get(property)
            .map_err(|reason| Error::Unknown {
                mapping: self.logical_id.to_owned(),
                property: property.to_owned(),
                reason,
            })
    }

    /// A whole number from the template. If it cannot be resolved there, the record's; `None` if it
    /// is absent.
    ///
    /// # Errors
    /// [`Error::Wrong`] if it is no whole number of the range.
    pub fn number(
        &self,
        property: &str,
        range: RangeInclusive<i64>,
        recorded: Option<i32>,
    ) -> Result<Option<i64>, Error> {
        match self.properties.get(property) {
            Ok(None) => Ok(None),
            Ok(Some(value)) => self.whole(property, &value, range).map(Some),
            Err(_) => match recorded.map(i64::from) {
                Some(number) if range.contains(&number) => Ok(Some(number)),
                _ => Err(self.no_whole_number(property, &range)),
            },
        }
    }

    /// The value of `property`, or of a part of it, as a whole number. One that came from a parameter
    /// is text.
    ///
    /// # Errors
    /// [`Error::Wrong`] if it is no whole number of the range.
    pub fn whole(
        &self,
        property: &str,
        value: &Value,
        range: RangeInclusive<i64>,
    ) -> Result<i64, Error> {
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.no_whole_number(property, &range))
    }

    /// A property that is true or false. If it cannot be resolved, what is recorded; `None` if it is
    /// absent. One that came from a parameter is text.
    pub(super) fn flag(
        &self,
        property: &str,
        recorded: Option<bool>,
    ) -> Result<Option<bool>, Error> {
        let flag = match self.properties.get(property) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => value.as_bool().or_else(|| value.as_str()?.parse().ok()),
            Err(_) => recorded,
        };
        flag.map(Some)
            .ok_or_else(|| self.wrong(property, "true or false"))
    }

    /// That a property has a value that is not `expected`.
    #[must_use]
    pub fn wrong(&self, property: &str, expected: &str) -> Error {
        Error::Wrong {
            mapping: self.logical_id.to_owned(),
            property: property.to_owned(),
            expected: expected.to_owned(),
        }
    }

    /// That AWS supports `what`, but a poller does not.
    #[must_use]
    pub fn not_supported(&self, what: &str) -> Error {
        Error::NotSupported {
            mapping: self.logical_id.to_owned(),
            what: what.to_owned(),
        }
    }

    fn no_whole_number(&self, property: &str, range: &RangeInclusive<i64>) -> Error {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.wrong(property, &expected)
    }

    fn recorded(&self, property: &str, value: Option<&str>) -> Result<String, Error> {
        value
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| self.wrong(property, "known to Lambda"))
    }
}
