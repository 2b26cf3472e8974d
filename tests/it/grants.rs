//! What the deployed roles may do, as IAM has it: every grant by itself, to be looked at, taken away and given back.

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use local::{
    deploy::STACK,
    emulator::{REGION, ROOT},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::harness::Studio;

/// A role's own policy, or one of the stack's that is attached to roles.
#[derive(Debug, Clone)]
enum Home {
    Inline { role: String, policy: String },
    Managed { arn: String },
}

/// One action on one resource.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The role or the policy that grants it, as the template names it: `CompletionFunctionRole`, `ConsumerPolicy`.
    pub of: String,
    /// The statement, the action, and the resource without what all of them begin with.
    pub what: String,
    home: Home,
    action: String,
    resource: String,
}

/// A role: who may take it, and which policies are attached to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    pub taken_by: String,
    pub attached: Vec<String>,
}

/// IAM, with the emulator's root credentials.
pub struct Iam {
    client: aws_sdk_iam::Client,
}

impl Iam {
    pub fn of(studio: &Studio) -> Self {
        let (key, secret) = ROOT;
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(format!("http://{}", studio.stack.emulator.address()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(key, secret, None, None, "emulator")))
            .build();
        Self { client: aws_sdk_iam::Client::new(&config) }
    }

    /// All roles of the stack.
    pub async fn roles(&self) -> BTreeMap<String, Role> {
        let mut roles = BTreeMap::new();
        for role in self.client.list_roles().send().await.unwrap().roles() {
            let trust = document(role.assume_role_policy_document().unwrap());
            let statements = trust["Statement"].as_array().unwrap();
            assert_eq!(statements.len(), 1, "{trust}");
            assert_eq!(many(&statements[0]["Action"]), ["sts:AssumeRole"]);
            let taken_by = many(&statements[0]["Principal"]["Service"]).join(", ");
            let attached = self.client.list_attached_role_policies().role_name(role.role_name()).send().await.unwrap();
            let names = attached.attached_policies().iter().map(|policy| policy.policy_name().unwrap());
            let mut attached: Vec<String> = names.map(|name| logical(name).unwrap_or(name).to_owned()).collect();
            attached.sort();
            roles.insert(logical(role.role_name()).unwrap().to_owned(), Role { taken_by, attached });
        }
        roles
    }

    /// Everything that the stack's own policies grant.
    pub async fn grants(&self) -> Vec<Grant> {
        let mut grants = Vec::new();
        let mut managed = BTreeMap::new();
        for role in self.client.list_roles().send().await.unwrap().roles() {
            let role = role.role_name();
            for policy in self.client.list_role_policies().role_name(role).send().await.unwrap().policy_names() {
                let home = Home::Inline { role: role.to_owned(), policy: policy.clone() };
                grants.extend(granted(logical(role).unwrap(), &home, &self.read(&home).await));
            }
            let attached = self.client.list_attached_role_policies().role_name(role).send().await.unwrap();
            for policy in attached.attached_policies() {
                let (name, arn) = (policy.policy_name().unwrap(), policy.policy_arn().unwrap());
                if let Some(logical) = logical(name) {
                    managed.insert(logical.to_owned(), Home::Managed { arn: arn.to_owned() });
                }
            }
        }
        for (name, home) in managed {
            grants.extend(granted(&name, &home, &self.read(&home).await));
        }
        grants
    }

    /// Takes a grant away; returns what gives it back.
    pub async fn without(&self, grant: &Grant) -> Value {
        let whole = self.read(&grant.home).await;
        let mut statements = Vec::new();
        for statement in whole["Statement"].as_array().unwrap() {
            for (action, resource) in pairs(statement) {
                if (&action, &resource) != (&grant.action, &grant.resource) || sid(statement) != grant.sid() {
                    statements.push(json!({ "Effect": "Allow", "Action": action, "Resource": resource }));
                }
            }
        }
        self.write(&grant.home, &json!({ "Version": "2012-10-17", "Statement": statements })).await;
        whole
    }

    /// Gives it back.
    pub async fn restore(&self, grant: &Grant, whole: &Value) {
        self.write(&grant.home, whole).await;
    }

    async fn read(&self, home: &Home) -> Value {
        match home {
            Home::Inline { role, policy } => {
                let get = self.client.get_role_policy().role_name(role).policy_name(policy);
                document(get.send().await.unwrap().policy_document())
            }
            Home::Managed { arn } => {
                let policy = self.client.get_policy().policy_arn(arn).send().await.unwrap().policy.unwrap();
                let version = self.client.get_policy_version().policy_arn(arn);
                let version = version.version_id(policy.default_version_id().unwrap()).send().await.unwrap();
                document(version.policy_version().unwrap().document().unwrap())
            }
        }
    }

    async fn write(&self, home: &Home, document: &Value) {
        match home {
            Home::Inline { role, policy } => {
                let put = self.client.put_role_policy().role_name(role).policy_name(policy);
                put.policy_document(document.to_string()).send().await.unwrap();
            }
            Home::Managed { arn } => {
                let before = self.client.get_policy().policy_arn(arn).send().await.unwrap().policy.unwrap();
                let create = self.client.create_policy_version().policy_arn(arn).set_as_default(true);
                create.policy_document(document.to_string()).send().await.unwrap();
                // A policy has five versions at most.
                let delete = self.client.delete_policy_version().policy_arn(arn);
                delete.version_id(before.default_version_id().unwrap()).send().await.unwrap();
            }
        }
    }
}

impl Grant {
    fn sid(&self) -> &str {
        self.what.split(' ').next().unwrap()
    }
}

fn granted<'a>(of: &'a str, home: &'a Home, document: &'a Value) -> impl Iterator<Item = Grant> + 'a {
    document["Statement"].as_array().unwrap().iter().flat_map(move |statement| {
        assert_eq!(statement["Effect"], "Allow", "{of}");
        assert!(statement.get("Condition").is_none(), "{of}: a condition is not looked at here: {statement}");
        pairs(statement).into_iter().map(move |(action, resource)| Grant {
            of: of.to_owned(),
            what: format!("{} {action} {}", sid(statement), short(&resource)),
            home: home.clone(),
            action,
            resource,
        })
    })
}

/// Its name; SAM gives none to what it adds.
fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or("-")
}

fn pairs(statement: &Value) -> Vec<(String, String)> {
    let resources = many(&statement["Resource"]);
    let actions = many(&statement["Action"]);
    actions.iter().flat_map(|action| resources.iter().map(|resource| (action.clone(), resource.clone()))).collect()
}

fn many(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// What comes after the partition, the service, the region and the account.
fn short(resource: &str) -> &str {
    resource.splitn(6, ':').nth(5).unwrap_or(resource)
}

/// The name in the template of what CloudFormation named `<stack>-<name>-<digits>`; `None` of what is AWS's.
fn logical(name: &str) -> Option<&str> {
    Some(name.strip_prefix(STACK)?.strip_prefix('-')?.rsplit_once('-')?.0)
}

fn document(text: &str) -> Value {
    serde_json::from_str(&percent_decode_str(text).decode_utf8().unwrap()).unwrap()
}
