//! The grants of the deployed roles in IAM, one by one, so that a test can inspect, remove and
//! restore them.

use std::collections::BTreeMap;

use local::{
    aws::{Aws, QueryService, members},
    deploy::STACK,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::harness::Studio;

/// The place of a grant: a role's own policy, or a policy of the stack that is attached to roles.
#[derive(Debug, Clone)]
enum Home {
    Inline { role: String, policy: String },
    Managed { arn: String },
}

/// One action on one resource.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The role or policy that grants it, by its name in the template: `CompletionFunctionRole`,
    /// `ConsumerPolicy`.
    pub of: String,
    /// The statement, the action, the resource without its common prefix, and what the partition
    /// keys of its items begin with.
    pub what: String,
    home: Home,
    action: String,
    resource: String,
}

/// A role: the service that may assume it, and its attached policies.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    pub taken_by: String,
    pub attached: Vec<String>,
}

/// IAM, with the emulator's root credentials.
pub struct Iam(Aws);

impl Iam {
    pub fn of(studio: &Studio) -> Self {
        Self(studio.stack.clients.aws.clone())
    }

    async fn ask(&self, operation: &str, fields: &[(&str, &str)]) -> Value {
        self.0
            .query(QueryService::Iam, operation, fields)
            .await
            .unwrap()
    }

    /// Every role of the stack.
    pub async fn roles(&self) -> BTreeMap<String, Role> {
        let mut roles = BTreeMap::new();
        for role in members(&self.ask("ListRoles", &[]).await["Roles"]) {
            let name = text(&role["RoleName"]);
            let trust = document(text(&role["AssumeRolePolicyDocument"]));
            let statements = trust["Statement"].as_array().unwrap();
            assert_eq!(statements.len(), 1, "{trust}");
            assert_eq!(many(&statements[0]["Action"]), ["sts:AssumeRole"]);
            let taken_by = many(&statements[0]["Principal"]["Service"]).join(", ");
            let attached = self.attached(name).await;
            let mut attached: Vec<String> = attached
                .iter()
                .map(|(name, _)| logical(name).unwrap_or(name).to_owned())
                .collect();
            attached.sort();
            roles.insert(
                logical(name).unwrap().to_owned(),
                Role { taken_by, attached },
            );
        }
        roles
    }

    /// The name and the ARN of each policy that is attached to a role.
    async fn attached(&self, role: &str) -> Vec<(String, String)> {
        let attached = self
            .ask("ListAttachedRolePolicies", &[("RoleName", role)])
            .await;
        let policies = members(&attached["AttachedPolicies"]).iter();
        policies
            .map(|policy| {
                (
                    text(&policy["PolicyName"]).to_owned(),
                    text(&policy["PolicyArn"]).to_owned(),
                )
            })
            .collect()
    }

    /// The ARN of the role that the template calls `name`.
    pub async fn arn_of(&self, name: &str) -> String {
        let roles = self.ask("ListRoles", &[]).await;
        let mut roles = members(&roles["Roles"]).iter();
        let found = roles.find(|role| logical(text(&role["RoleName"])) == Some(name));
        let role = found.unwrap_or_else(|| panic!("there is no role {name}"));
        text(&role["Arn"]).to_owned()
    }

    /// Every grant of the stack's own policies.
    pub async fn grants(&self) -> Vec<Grant> {
        let mut grants = Vec::new();
        let mut managed = BTreeMap::new();
        for role in members(&self.ask("ListRoles", &[]).await["Roles"]) {
            let role = text(&role["RoleName"]);
            for policy in
                members(&self.ask("ListRolePolicies", &[("RoleName", role)]).await["PolicyNames"])
            {
                let home = Home::Inline {
                    role: role.to_owned(),
                    policy: text(policy).to_owned(),
                };
                grants.extend(granted(
                    logical(role).unwrap(),
                    &home,
                    &self.read(&home).await,
                ));
            }
            for (name, arn) in self.attached(role).await {
                if let Some(logical) = logical(&name) {
                    managed.insert(logical.to_owned(), Home::Managed { arn });
                }
            }
        }
        for (name, home) in managed {
            grants.extend(granted(&name, &home, &self.read(&home).await));
        }
        grants
    }

    /// Removes a grant; returns the whole policy, to restore it.
    pub async fn without(&self, grant: &Grant) -> Value {
        let whole = self.read(&grant.home).await;
        let mut statements = Vec::new();
        for statement in whole["Statement"].as_array().unwrap() {
            for (action, resource) in pairs(statement) {
                if (&action, &resource) != (&grant.action, &grant.resource)
                    || sid(statement) != grant.sid()
                {
                    let mut left =
                        json!({ "Effect": "Allow", "Action": action, "Resource": resource });
                    if let Some(condition) = statement.get("Condition") {
                        left["Condition"] = condition.clone();
                    }
                    statements.push(left);
                }
            }
        }
        self.write(
            &grant.home,
            &json!({ "Version": "2012-10-17", "Statement": statements }),
        )
        .await;
        whole
    }

    /// Restores a policy.
    pub async fn restore(&self, grant: &Grant, whole: &Value) {
        self.write(&grant.home, whole).await;
    }

    async fn read(&self, home: &Home) -> Value {
        match home {
            Home::Inline { role, policy } => {
                let policy = self
                    .ask(
                        "GetRolePolicy",
                        &[("RoleName", role), ("PolicyName", policy)],
                    )
                    .await;
                document(text(&policy["PolicyDocument"]))
            }
            Home::Managed { arn } => {
                let asked = [
                    ("PolicyArn", arn.as_str()),
                    ("VersionId", &self.default_version(arn).await),
                ];
                document(text(
                    &self.ask("GetPolicyVersion", &asked).await["PolicyVersion"]["Document"],
                ))
            }
        }
    }

    async fn default_version(&self, arn: &str) -> String {
        text(&self.ask("GetPolicy", &[("PolicyArn", arn)]).await["Policy"]["DefaultVersionId"])
            .to_owned()
    }

    async fn write(&self, home: &Home, document: &Value) {
        let document = document.to_string();
        match home {
            Home::Inline { role, policy } => {
                let put = [
                    ("RoleName", role.as_str()),
                    ("PolicyName", policy),
                    ("PolicyDocument", &document),
                ];
                self.ask("PutRolePolicy", &put).await;
            }
            Home::Managed { arn } => {
                let before = self.default_version(arn).await;
                let create = [
                    ("PolicyArn", arn.as_str()),
                    ("PolicyDocument", &document),
                    ("SetAsDefault", "true"),
                ];
                self.ask("CreatePolicyVersion", &create).await;
                // A policy can have at most five versions.
                self.ask(
                    "DeletePolicyVersion",
                    &[("PolicyArn", arn), ("VersionId", &before)],
                )
                .await;
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

impl Grant {
    fn sid(&self) -> &str {
        self.what.split(' ').next().unwrap()
    }
}

fn granted<'a>(
    of: &'a str,
    home: &'a Home,
    document: &'a Value,
) -> impl Iterator<Item = Grant> + 'a {
    document["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(move |statement| {
            assert_eq!(statement["Effect"], "Allow", "{of}");
            let keys = keys(statement);
            pairs(statement)
                .into_iter()
                .map(move |(action, resource)| Grant {
                    of: of.to_owned(),
                    what: format!("{} {action} {}{keys}", sid(statement), short(&resource)),
                    home: home.clone(),
                    action,
                    resource,
                })
        })
}

/// The statement's name; SAM gives none to its own statements.
fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or("-")
}

/// The conditions of a statement, which can only be about partition keys: ` of job#*, voice#*`, or
/// ` not of tenant#*`; and about attributes, of which then others may not be asked for: ` only pk`.
fn keys(statement: &Value) -> String {
    let Some(conditions) = statement.get("Condition") else {
        return String::new();
    };
    let mut said = [String::new(), String::new()];
    let mut is_bounded = false;
    for (operator, on) in conditions.as_object().unwrap() {
        assert_eq!(on.as_object().unwrap().len(), 1, "{statement}");
        match operator.as_str() {
            "ForAllValues:StringLike" => {
                said[0] = format!(" of {}", many(&on["dynamodb:LeadingKeys"]).join(", "));
            }
            "ForAllValues:StringNotLike" => {
                said[0] = format!(" not of {}", many(&on["dynamodb:LeadingKeys"]).join(", "));
            }
            "ForAllValues:StringEquals" => {
                said[1] = format!(" only {}", many(&on["dynamodb:Attributes"]).join(", "));
            }
            "StringEqualsIfExists" => {
                assert_eq!(on["dynamodb:Select"], "SPECIFIC_ATTRIBUTES", "{statement}");
                is_bounded = true;
            }
            other => panic!("a condition {other} is not looked at here: {statement}"),
        }
    }
    // A request that names no attribute meets the condition on attributes, and gets all of them.
    assert_eq!(is_bounded, !said[1].is_empty(), "{statement}");
    said.concat()
}

fn pairs(statement: &Value) -> Vec<(String, String)> {
    let resources = many(&statement["Resource"]);
    let actions = many(&statement["Action"]);
    actions
        .iter()
        .flat_map(|action| {
            resources
                .iter()
                .map(|resource| (action.clone(), resource.clone()))
        })
        .collect()
}

fn many(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// The resource without partition, service, region and account.
fn short(resource: &str) -> &str {
    resource.splitn(6, ':').nth(5).unwrap_or(resource)
}

/// The name in the template of a resource that CloudFormation named `<stack>-<name>-<digits>`;
/// `None` for AWS's own.
fn logical(name: &str) -> Option<&str> {
    Some(
        name.strip_prefix(STACK)?
            .strip_prefix('-')?
            .rsplit_once('-')?
            .0,
    )
}

fn document(text: &str) -> Value {
    serde_json::from_str(&percent_decode_str(text).decode_utf8().unwrap()).unwrap()
}
