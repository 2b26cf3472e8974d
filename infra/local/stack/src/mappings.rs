//! Reads the event source mappings of the deployed stack.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use poller::{Mapping, Template};
use queue_poller::QueueMapping;
use runtime::chain;
use serde_json::Value;

use crate::aws::{self, Aws, QueryService, members};

/// Why the mappings of a stack cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to CloudFormation failed.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// Lambda did not list the mappings.
    #[error("ListEventSourceMappings failed: {0}")]
    NotListed(String),
    /// CloudFormation has no such stack.
    #[error("there is no stack called {0}")]
    NoStack(String),
    /// The processed template cannot be read.
    #[error("the stack's template: {0}")]
    Template(poller::Unresolved),
    /// The mapping of a topic has a setting that the poller does not support.
    #[error(transparent)]
    Mapping(#[from] poller::Error),
    /// The mapping of a queue has a setting that the poller does not support.
    #[error(transparent)]
    QueueMapping(#[from] queue_poller::Error),
}

/// The mappings of a deployed stack, each kind in order of logical id.
#[derive(Debug)]
pub struct Mappings {
    /// Those of Kafka topics.
    pub topics: Vec<Mapping>,
    /// Those of queues.
    pub queues: Vec<QueueMapping>,
}

/// The mappings of a deployed stack.
///
/// # Errors
/// [`Error`] if a service does not answer, or if a mapping has a setting that is not supported
/// here.
pub async fn read_mappings(
    aws: &Aws,
    lambda: &aws_sdk_lambda::Client,
    stack: &str,
) -> Result<Mappings, Error> {
    let of_stack = ("StackName", stack);
    let cloudformation = async |operation, fields: &[(&str, &str)]| {
        aws.query(QueryService::CloudFormation, operation, fields)
            .await
    };
    let stacks = cloudformation("DescribeStacks", &[of_stack]).await?;
    let description = members(&stacks["Stacks"])
        .first()
        .ok_or_else(|| Error::NoStack(stack.to_owned()))?;
    let template =
        cloudformation("GetTemplate", &[of_stack, ("TemplateStage", "Processed")]).await?;
    let resources = cloudformation("DescribeStackResources", &[of_stack]).await?;
    let records = records(lambda).await?;

    let references = references(stack, description, &resources["StackResources"]);
    let template = template["TemplateBody"].as_str().unwrap_or_default();
    let template = Template::parse(template, references).map_err(Error::Template)?;
    Ok(Mappings {
        topics: Mapping::of_deployed(&template, &records)?,
        queues: QueueMapping::of_deployed(&template, &records)?,
    })
}

/// Lambda's records of all mappings.
async fn records(
    lambda: &aws_sdk_lambda::Client,
) -> Result<Vec<EventSourceMappingConfiguration>, Error> {
    let records = lambda
        .list_event_source_mappings()
        .into_paginator()
        .items()
        .send();
    let records = records.collect::<Result<Vec<_>, _>>().await;
    records.map_err(|error| Error::NotListed(chain(&error)))
}

/// The state of each mapping, by id, as Lambda tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct States(BTreeMap<String, String>);

impl States {
    /// The states of now.
    ///
    /// # Errors
    /// [`Error::NotListed`].
    pub(crate) async fn read(lambda: &aws_sdk_lambda::Client) -> Result<Self, Error> {
        let records = records(lambda).await?;
        let states = records
            .into_iter()
            .filter_map(|record| Some((record.uuid?, record.state.unwrap_or_default())));
        Ok(Self(states.collect()))
    }

    /// Whether a mapping polls. One that is being created or updated goes on as it is: `polls` says
    /// how. One that is not there does not poll.
    pub(crate) fn has_polling(&self, uuid: &str, polls: bool) -> bool {
        match self.0.get(uuid).map(String::as_str) {
            Some("Enabled" | "Enabling") => true,
            None | Some("Disabled" | "Disabling" | "Deleting") => false,
            Some(_) => polls,
        }
    }
}

/// What `Ref` means in the stack's template: pseudo parameters, the physical ids of resources, and
/// parameters.
fn references(stack: &str, description: &Value, resources: &Value) -> BTreeMap<String, String> {
    let mut references = BTreeMap::from([("AWS::StackName".to_owned(), stack.to_owned())]);
    if let Some(id) = description["StackId"].as_str() {
        // arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<id>
        let parts = id.split(':').map(str::to_owned);
        let names = [
            None,
            Some("AWS::Partition"),
            None,
            Some("AWS::Region"),
            Some("AWS::AccountId"),
        ];
        let named = names.into_iter().zip(parts);
        references.extend(named.filter_map(|(name, part)| Some((name?.to_owned(), part))));
        references.insert("AWS::StackId".to_owned(), id.to_owned());
    }
    let parameters = &description["Parameters"];
    references.extend(pairs(resources, "LogicalResourceId", "PhysicalResourceId"));
    references.extend(pairs(parameters, "ParameterKey", "ParameterValue"));
    references.extend(pairs(parameters, "ParameterKey", "ResolvedValue"));
    references
}

/// Two fields of each item of a list that has both.
fn pairs(list: &Value, name: &str, value: &str) -> Vec<(String, String)> {
    let text = |item: &Value, field: &str| item[field].as_str().map(str::to_owned);
    let pairs = members(list)
        .iter()
        .filter_map(|item| Some((text(item, name)?, text(item, value)?)));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_polls_as_its_state_says() {
        let polls = |state: &str| {
            let states = States(BTreeMap::from([("one".to_owned(), state.to_owned())]));
            [true, false].map(|polls| states.has_polling("one", polls))
        };
        for state in ["Enabled", "Enabling"] {
            assert_eq!(polls(state), [true, true], "{state}");
        }
        for state in ["Disabled", "Disabling", "Deleting"] {
            assert_eq!(polls(state), [false, false], "{state}");
        }
        for state in ["Creating", "Updating"] {
            assert_eq!(polls(state), [true, false], "{state}");
        }
        let none = States(BTreeMap::new());
        assert!(!none.has_polling("one", true), "it was deleted");
    }
}
