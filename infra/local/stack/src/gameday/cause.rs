//! Puts a fault into a running stack, and mends it: through AWS's API, through Kafka, by a signal to
//! the broker, or through the stack's control port.

use std::collections::HashMap;
use std::fmt::Debug;

use aws_sdk_lambda::error::{DisplayErrorContext, SdkError};
use aws_sdk_lambda::types::Environment;
use contract::Topic;
use hyper::Method;
use serde_json::{Value, json};

use super::fault::Fault;
use super::kafka::{self, KafkaError};
use super::notes::{Notes, NotesError};
use super::place::{ControlError, NoPlace, Place};
use crate::aws::{self, JsonService, QueryService, members};
use crate::control::is_switched_here;
use crate::deploy::KEY;
use crate::schedules;

/// The topic whose trouble shows that an end of a job is not told.
pub(super) const TOLD: Topic = Topic::RenderJobCompleted;

/// The function that consumes created events.
const CONSUMER: &str = "studio-event-created-local";
const RENDER: &str = "studio-render-local";
const COMPLETION: &str = "studio-completion-local";
const WATCH: &str = "studio-watch-local";

/// The secret of the vendor that paints.
const SECRET: &str = "studio/local/openai";

/// The largest record that a topic that is too small takes, in bytes.
const TOO_SMALL: &str = "200";

/// What a broken item has in the place of its packed state: bytes of a version that there is not.
const UNREADABLE: &str = "////";

/// Why a fault was not put in or mended.
#[derive(Debug, thiserror::Error)]
pub enum CauseError {
    /// It is in already.
    #[error("{0} is in already; `studio-local mend {0}` takes it out")]
    Broken(Fault),
    /// It is not in.
    #[error("{fault} is not in; what is in: {}", names(.broken))]
    NotBroken {
        /// The fault.
        fault: Fault,
        /// Those that are in.
        broken: Vec<Fault>,
    },
    /// The table has no entity whose item could be broken.
    #[error("no entity is stored{0}; publish an event first: `make publish`")]
    NoEntity(String),
    /// Something that the fault is about does not exist.
    #[error("the stack has no {0}; check that this version's `make up` started it")]
    Missing(String),
    /// The running stack cannot be found.
    #[error(transparent)]
    Place(#[from] NoPlace),
    /// The notes cannot be kept.
    #[error(transparent)]
    Notes(#[from] NotesError),
    /// AWS refused.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// Lambda or Secrets Manager refused.
    #[error("{operation} was refused: {reason}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// Its causes.
        reason: String,
    },
    /// Kafka refused.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The control port refused.
    #[error(transparent)]
    Control(#[from] ControlError),
}

fn names(faults: &[Fault]) -> String {
    let names: Vec<String> = faults.iter().map(|fault| fault.name()).collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// A refusal of an SDK.
fn refused<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> CauseError
where
    E: std::error::Error + Debug + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    move |error| CauseError::Refused {
        operation,
        reason: DisplayErrorContext(error).to_string(),
    }
}

/// The faults that are in.
///
/// # Errors
/// A [`CauseError`].
pub fn broken(place: &Place) -> Result<Vec<Fault>, CauseError> {
    Ok(Notes::read(&place.env, &place.key)?.broken())
}

/// Puts a fault in. A fault that is only what a producer sends changes nothing here. `tenant` is
/// the tenant whose item is broken; without one, any.
///
/// # Errors
/// A [`CauseError`].
pub async fn put_in(place: &Place, fault: Fault, tenant: Option<&str>) -> Result<(), CauseError> {
    let mut notes = Notes::read(&place.env, &place.key)?;
    if notes.before(fault).is_some() {
        return Err(CauseError::Broken(fault));
    }
    let before = before(place, fault, tenant).await?;
    // Noted first: a fault that went in without a note could not be mended.
    notes.note(&place.env, fault, before.clone())?;
    let done = change(place, fault, &before).await;
    if done.is_err() {
        notes.forget(&place.env, fault)?;
    }
    done
}

/// What mending the fault needs to know; null if nothing.
async fn before(place: &Place, fault: Fault, tenant: Option<&str>) -> Result<Value, CauseError> {
    Ok(match fault {
        Fault::NoConcurrency => json!(reserved(place, COMPLETION).await?),
        Fault::WatchStopped => json!(reserved(place, WATCH).await?),
        Fault::WrongTable => json!(environment(place, CONSUMER).await?),
        Fault::ItemCorrupted => entity(place, tenant).await?,
        Fault::IndexDeleted => index(place).await?,
        Fault::TopicTooSmall => json!(kafka::settings(&place.bootstrap, TOLD.as_str()).await?),
        Fault::VendorKeyRevoked
        | Fault::VendorKeyEmpty
        | Fault::VendorsAway
        | Fault::AssetsRefused
        | Fault::DeadLettersRefused
        | Fault::StorageAway
        | Fault::TableAway
        | Fault::FieldRenamed
        | Fault::Burst
        | Fault::TopicDeleted
        | Fault::MappingDisabled
        | Fault::StartRefused
        | Fault::ClockAhead
        | Fault::ClockFarAhead
        | Fault::BrokerFrozen
        | Fault::ScheduleDisabled => Value::Null,
    })
}

async fn change(place: &Place, fault: Fault, before: &Value) -> Result<(), CauseError> {
    match fault {
        // What a producer sends is all there is to it.
        Fault::FieldRenamed | Fault::Burst | Fault::ClockAhead | Fault::ClockFarAhead => Ok(()),
        Fault::VendorKeyRevoked | Fault::VendorsAway | Fault::StorageAway | Fault::TableAway => {
            debug_assert!(is_switched_here(fault), "{fault}");
            Ok(place.control(Method::PUT, &fault.name()).await?)
        }
        Fault::VendorKeyEmpty => set_key(place, "\n").await,
        Fault::AssetsRefused => {
            let bucket = place.variable("ASSETS_BUCKET")?;
            let objects = format!("arn:aws:s3:::{bucket}/*");
            for function in [RENDER, COMPLETION] {
                deny(place, fault, function, "s3:PutObject", &objects).await?;
            }
            Ok(())
        }
        Fault::DeadLettersRefused => {
            let bucket = place.variable("DEAD_LETTERS_BUCKET")?;
            let objects = format!("arn:aws:s3:::{bucket}/*");
            deny(place, fault, CONSUMER, "s3:PutObject", &objects).await
        }
        Fault::StartRefused => deny(place, fault, RENDER, "states:StartExecution", "*").await,
        Fault::TopicTooSmall => {
            let mut settings: HashMap<String, String> =
                serde_json::from_value(before.clone()).unwrap_or_default();
            settings.insert(kafka::LARGEST.to_owned(), TOO_SMALL.to_owned());
            Ok(kafka::set(&place.bootstrap, TOLD.as_str(), &settings).await?)
        }
        Fault::TopicDeleted => Ok(kafka::delete(&place.bootstrap, TOLD.as_str()).await?),
        Fault::BrokerFrozen => Ok(kafka::freeze(&place.bootstrap)?),
        Fault::ItemCorrupted => set_state(place, before, &json!({ "B": UNREADABLE })).await,
        Fault::IndexDeleted => {
            let delete = json!([{ "Delete": { "IndexName": "open" } }]);
            let request = json!({
                "TableName": place.variable("TABLE_NAME")?, "GlobalSecondaryIndexUpdates": delete,
            });
            dynamodb(place, "UpdateTable", request).await.map(drop)
        }
        Fault::WrongTable => {
            let mut variables: HashMap<String, String> =
                serde_json::from_value(before.clone()).unwrap_or_default();
            variables.insert(
                "TABLE_NAME".to_owned(),
                "studio-that-is-not-there".to_owned(),
            );
            set_environment(place, variables).await
        }
        Fault::MappingDisabled => enable(place, false).await,
        Fault::NoConcurrency => reserve(place, COMPLETION, 0).await,
        Fault::WatchStopped => reserve(place, WATCH, 0).await,
        Fault::ScheduleDisabled => schedule(place, "DisableRule").await,
    }
}

/// Takes a fault out. What it left behind is not cured by that.
///
/// # Errors
/// A [`CauseError`].
pub async fn mend(place: &Place, fault: Fault) -> Result<(), CauseError> {
    let mut notes = Notes::read(&place.env, &place.key)?;
    let Some(before) = notes.before(fault).cloned() else {
        let broken = notes.broken();
        return Err(CauseError::NotBroken { fault, broken });
    };
    match fault {
        Fault::FieldRenamed | Fault::Burst | Fault::ClockAhead | Fault::ClockFarAhead => {}
        Fault::VendorKeyRevoked | Fault::VendorsAway | Fault::StorageAway | Fault::TableAway => {
            place.control(Method::DELETE, &fault.name()).await?;
        }
        Fault::VendorKeyEmpty => set_key(place, KEY).await?,
        Fault::AssetsRefused => {
            for function in [RENDER, COMPLETION] {
                allow(place, fault, function).await?;
            }
        }
        Fault::DeadLettersRefused => allow(place, fault, CONSUMER).await?,
        Fault::StartRefused => allow(place, fault, RENDER).await?,
        Fault::TopicTooSmall => {
            let settings = serde_json::from_value(before).unwrap_or_default();
            kafka::set(&place.bootstrap, TOLD.as_str(), &settings).await?;
        }
        Fault::TopicDeleted => kafka::create(&place.cluster, TOLD.as_str()).await?,
        Fault::BrokerFrozen => kafka::go_on(&place.bootstrap)?,
        Fault::ItemCorrupted => set_state(place, &before, &before["state"]).await?,
        Fault::IndexDeleted => create_index(place, &before).await?,
        Fault::WrongTable => {
            let variables = serde_json::from_value(before).unwrap_or_default();
            set_environment(place, variables).await?;
        }
        Fault::MappingDisabled => enable(place, true).await?,
        Fault::NoConcurrency => restore(place, COMPLETION, &before).await?,
        Fault::WatchStopped => restore(place, WATCH, &before).await?,
        Fault::ScheduleDisabled => schedule(place, "EnableRule").await?,
    }
    notes.forget(&place.env, fault)?;
    Ok(())
}

// ---- Secrets and roles ----

async fn set_key(place: &Place, key: &str) -> Result<(), CauseError> {
    let put = place.clients.secrets.put_secret_value();
    let put = put.secret_id(SECRET).secret_string(key).send().await;
    put.map(drop).map_err(refused("PutSecretValue"))
}

/// The name of the policy that a fault gives to a role.
fn policy(fault: Fault) -> String {
    format!("studio-local-break-{fault}")
}

/// The name of a function's role.
async fn role(place: &Place, function: &str) -> Result<String, CauseError> {
    let asked = place.clients.lambda.get_function_configuration();
    let configuration = asked
        .function_name(function)
        .send()
        .await
        .map_err(refused("GetFunctionConfiguration"))?;
    let arn = configuration.role().unwrap_or_default();
    Ok(arn.rsplit('/').next().unwrap_or_default().to_owned())
}

async fn deny(
    place: &Place,
    fault: Fault,
    function: &str,
    action: &str,
    resource: &str,
) -> Result<(), CauseError> {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Deny", "Action": action, "Resource": resource }],
    });
    let (role, policy, document) = (
        role(place, function).await?,
        policy(fault),
        document.to_string(),
    );
    let fields = [
        ("RoleName", role.as_str()),
        ("PolicyName", policy.as_str()),
        ("PolicyDocument", document.as_str()),
    ];
    let aws = &place.clients.aws;
    aws.query(QueryService::Iam, "PutRolePolicy", &fields)
        .await?;
    Ok(())
}

async fn allow(place: &Place, fault: Fault, function: &str) -> Result<(), CauseError> {
    let (role, policy) = (role(place, function).await?, policy(fault));
    let fields = [("RoleName", role.as_str()), ("PolicyName", policy.as_str())];
    let aws = &place.clients.aws;
    aws.query(QueryService::Iam, "DeleteRolePolicy", &fields)
        .await?;
    Ok(())
}

// ---- Functions, mappings and schedules ----

/// The concurrency that is reserved for a function, if any is.
async fn reserved(place: &Place, function: &str) -> Result<Option<i32>, CauseError> {
    let asked = place.clients.lambda.get_function_concurrency();
    let answer = asked
        .function_name(function)
        .send()
        .await
        .map_err(refused("GetFunctionConcurrency"))?;
    Ok(answer.reserved_concurrent_executions())
}

async fn reserve(place: &Place, function: &str, concurrency: i32) -> Result<(), CauseError> {
    let put = place.clients.lambda.put_function_concurrency();
    put.function_name(function)
        .reserved_concurrent_executions(concurrency)
        .send()
        .await
        .map(drop)
        .map_err(refused("PutFunctionConcurrency"))
}

/// Reserves for a function what was reserved before; nothing if nothing was.
async fn restore(place: &Place, function: &str, before: &Value) -> Result<(), CauseError> {
    let before = before
        .as_i64()
        .and_then(|before| i32::try_from(before).ok());
    if let Some(concurrency) = before {
        return reserve(place, function, concurrency).await;
    }
    let delete = place.clients.lambda.delete_function_concurrency();
    let deleted = delete.function_name(function).send().await;
    deleted
        .map(drop)
        .map_err(refused("DeleteFunctionConcurrency"))
}

async fn environment(place: &Place, function: &str) -> Result<HashMap<String, String>, CauseError> {
    let asked = place.clients.lambda.get_function_configuration();
    let configuration = asked
        .function_name(function)
        .send()
        .await
        .map_err(refused("GetFunctionConfiguration"))?;
    Ok(configuration
        .environment
        .and_then(|environment| environment.variables)
        .unwrap_or_default())
}

async fn set_environment(
    place: &Place,
    variables: HashMap<String, String>,
) -> Result<(), CauseError> {
    let environment = Environment::builder()
        .set_variables(Some(variables))
        .build();
    let update = place.clients.lambda.update_function_configuration();
    let updated = update.function_name(CONSUMER).environment(environment);
    let updated = updated.send().await;
    updated
        .map(drop)
        .map_err(refused("UpdateFunctionConfiguration"))
}

/// Enables or disables the mappings of the consumer.
async fn enable(place: &Place, enabled: bool) -> Result<(), CauseError> {
    let lambda = &place.clients.lambda;
    let listed = lambda.list_event_source_mappings().function_name(CONSUMER);
    let listed = listed
        .send()
        .await
        .map_err(refused("ListEventSourceMappings"))?;
    if listed.event_source_mappings().is_empty() {
        return Err(CauseError::Missing(format!("mapping of {CONSUMER}")));
    }
    for mapping in listed.event_source_mappings() {
        let update = lambda.update_event_source_mapping().enabled(enabled);
        let updated = update.uuid(mapping.uuid().unwrap_or_default()).send().await;
        updated.map_err(refused("UpdateEventSourceMapping"))?;
    }
    Ok(())
}

/// Enables or disables the schedule of the sweep.
async fn schedule(place: &Place, operation: &str) -> Result<(), CauseError> {
    let aws = &place.clients.aws;
    let is_of_the_sweep = |rule: &Value| {
        rule["Description"]
            .as_str()
            .is_some_and(|text| text.contains("whose message or execution ended"))
    };
    let rules = schedules::rules(aws).await?;
    let rule = rules.iter().find(|rule| is_of_the_sweep(rule));
    let rule = rule.ok_or_else(|| CauseError::Missing("schedule of the sweep".to_owned()))?;
    Ok(schedules::switch(aws, rule, operation).await?)
}

// ---- The table ----

async fn dynamodb(place: &Place, operation: &str, request: Value) -> Result<Value, CauseError> {
    let aws = &place.clients.aws;
    Ok(aws.json(JsonService::DynamoDb, operation, &request).await?)
}

/// The key and the state of an entity's item.
async fn entity(place: &Place, tenant: Option<&str>) -> Result<Value, CauseError> {
    let mut request = json!({
        "TableName": place.variable("TABLE_NAME")?,
        "ConsistentRead": true,
        "FilterExpression": "begins_with(pk, :entity) AND attribute_exists(#state)",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":entity": { "S": "entity#" } },
    });
    if let Some(tenant) = tenant {
        request["FilterExpression"] =
            json!("begins_with(pk, :entity) AND attribute_exists(#state) AND tenant = :tenant");
        request["ExpressionAttributeValues"][":tenant"] = json!({ "S": tenant });
    }
    loop {
        let mut page = dynamodb(place, "Scan", request.clone()).await?;
        if let Some(item) = members(&page["Items"]).first() {
            return Ok(json!({ "pk": item["pk"], "sk": item["sk"], "state": item["state"] }));
        }
        match page["LastEvaluatedKey"].take() {
            Value::Null => {
                let of = tenant.map(|tenant| format!(" of {tenant}"));
                return Err(CauseError::NoEntity(of.unwrap_or_default()));
            }
            next => request["ExclusiveStartKey"] = next,
        }
    }
}

/// Overwrites the state of an item.
async fn set_state(place: &Place, item: &Value, state: &Value) -> Result<(), CauseError> {
    let request = json!({
        "TableName": place.variable("TABLE_NAME")?,
        "Key": { "pk": item["pk"], "sk": item["sk"] },
        "UpdateExpression": "SET #state = :state",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":state": state },
    });
    dynamodb(place, "UpdateItem", request).await.map(drop)
}

/// The definition of the index `open`.
async fn index(place: &Place) -> Result<Value, CauseError> {
    let request = json!({ "TableName": place.variable("TABLE_NAME")? });
    let described = dynamodb(place, "DescribeTable", request).await?;
    let table = &described["Table"];
    let found = members(&table["GlobalSecondaryIndexes"])
        .iter()
        .find(|index| index["IndexName"] == "open");
    let index = found.ok_or_else(|| CauseError::Missing("index `open`".to_owned()))?;
    Ok(json!({
        "AttributeDefinitions": table["AttributeDefinitions"],
        "Create": {
            "IndexName": index["IndexName"],
            "KeySchema": index["KeySchema"],
            "Projection": index["Projection"],
        },
    }))
}

async fn create_index(place: &Place, index: &Value) -> Result<(), CauseError> {
    let request = json!({
        "TableName": place.variable("TABLE_NAME")?,
        "AttributeDefinitions": index["AttributeDefinitions"],
        "GlobalSecondaryIndexUpdates": [{ "Create": index["Create"] }],
    });
    dynamodb(place, "UpdateTable", request).await.map(drop)
}
