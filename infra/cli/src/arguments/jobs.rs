//! The arguments of `studio jobs`.

use std::num::NonZeroU32;

use clap::{Args, Subcommand};
use contract::{AssetKind, Identifier, Time};
use operations::{JobFilter, JobState};
use uuid::Uuid;

use crate::time::time_of_now;

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List jobs, the newest first: a tenant's, or those of all tenants that failed, fell back or are
    /// open.
    ///
    /// Of all tenants an index has three kinds, and one of them must be named: --state failed (or
    /// --cause), which are listed until they are resubmitted; --degraded, which another provider made
    /// than was to make them; and --state created or submitted, which are listed by their deadlines,
    /// the latest first. Jobs that ended before this index existed are found by --tenant alone. If
    /// there are more than a page, the totals follow by cause, tenant and provider.
    #[command(
        after_help = "Examples:\n  studio --stage staging jobs list --tenant tenant-monsoon-arts --state failed --since 2d\n  \
                            studio --stage staging jobs list --state failed --since 2h\n  \
                            studio --stage staging jobs list --degraded --provider openai"
    )]
    List {
        #[command(flatten)]
        filter: JobFilterArguments,
        /// The maximum number of entries.
        #[arg(
            long = "limit",
            alias = "most",
            value_name = "NUMBER",
            default_value_t = 50
        )]
        most: u32,
        /// Continue where an earlier list ended.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
    /// Count jobs by cause, tenant and provider: a tenant's, or those of all tenants as for `list`.
    #[command(
        after_help = "Example:\n  studio --stage staging jobs count --state failed --since 6h"
    )]
    Count {
        #[command(flatten)]
        filter: JobFilterArguments,
    },
    /// Show one job and its history.
    Show {
        /// The tenant that owns the job: the jobs of other tenants are not visible.
        #[arg(long, value_parser = Identifier::parse)]
        tenant: Identifier,
        /// The job's id, from the list.
        id: Uuid,
    },
    /// Make jobs that have ended again, each as a new job: those that are named, or all that match.
    /// Without --execute, only show what would happen.
    ///
    /// The new job shows what its template shows now, and may cost as much as the old one. A second
    /// resubmit of the same job makes nothing new; to make the new job again, name that one. So an
    /// interrupted run is repeated, or goes on with the --after that it printed last. A filter must
    /// have --state, --cause or --degraded.
    #[command(
        after_help = "Examples:\n  studio --stage staging jobs resubmit --tenant tenant-monsoon-arts aec4c8e1-cbe3-5d61-8d23-fabd1e6117d0 --execute\n  \
                            studio --stage staging jobs resubmit --state failed --cause S3 --since 2h\n  \
                            studio --stage staging jobs resubmit --degraded --provider openai --per-second 2 --execute"
    )]
    Resubmit {
        #[command(flatten)]
        which: JobsArguments,
    },
    /// Cancel open jobs, here and at their providers: those that are named, or all that match.
    /// Without --execute, only show what would happen.
    #[command(
        after_help = "Examples:\n  studio --stage staging jobs cancel --tenant tenant-monsoon-arts --asset video --execute\n  \
                            studio --stage staging jobs cancel --state created --provider runway"
    )]
    Cancel {
        #[command(flatten)]
        which: JobsArguments,
    },
}

#[derive(Debug, Args)]
pub struct JobFilterArguments {
    /// Only jobs of this tenant.
    #[arg(long, value_parser = Identifier::parse)]
    pub tenant: Option<Identifier>,
    /// Only jobs in this state: created, submitted, completed, failed, cancelled or erased.
    #[arg(long)]
    state: Option<JobState>,
    /// Only jobs that make this kind of asset, such as poster.
    #[arg(long, value_name = "KIND", value_parser = asset_kind)]
    asset: Option<AssetKind>,
    /// Only jobs that this provider is to make, made, refused, or would have made if its breaker had
    /// been closed.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only failed jobs with this text in why they failed, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// Only completed jobs that fell back: another provider made them than was to make them.
    #[arg(long)]
    degraded: bool,
    /// Only jobs created since this time: how long ago (6h), a day, or a time with its offset.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    since: Option<Time>,
    /// Only jobs created before this time.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    until: Option<Time>,
}

impl JobFilterArguments {
    /// The tenant, and the filter.
    pub fn parts(self) -> (Option<Identifier>, JobFilter) {
        let Self {
            tenant,
            state,
            asset,
            provider,
            cause,
            degraded,
            since,
            until,
        } = self;
        let filter = JobFilter {
            state,
            asset,
            provider,
            cause,
            degraded,
            since,
            until,
        };
        (tenant, filter)
    }
}

#[derive(Debug, Args)]
#[group(id = "jobs", required = true, multiple = true, args = ["ids", "state", "asset", "provider", "cause", "degraded", "since", "until"])]
pub struct JobsArguments {
    #[command(flatten)]
    pub filter: JobFilterArguments,
    /// The ids of the jobs, all of --tenant.
    #[arg(value_name = "ID", requires = "tenant", conflicts_with_all = ["state", "asset", "provider", "cause", "degraded", "since", "until", "after"])]
    pub ids: Vec<Uuid>,
    /// Execute it, instead of only showing what would happen.
    #[arg(long)]
    pub execute: bool,
    /// The maximum number of jobs per second.
    #[arg(long, value_name = "NUMBER", default_value_t = NonZeroU32::MIN.saturating_add(9))]
    pub per_second: NonZeroU32,
    /// Continue where an earlier run was interrupted.
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,
}

fn asset_kind(text: &str) -> Result<AssetKind, String> {
    let known = || AssetKind::ALL.map(AssetKind::as_str).join(", ");
    AssetKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| format!("the studio makes {}", known()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::arguments::{Arguments, Command, FunctionCommand};

    use super::*;

    fn which(line: &str) -> Option<(usize, Option<Identifier>, JobFilter)> {
        let arguments = Arguments::try_parse_from(line.split(' ')).ok()?;
        match arguments.command {
            Command::Function(FunctionCommand::Jobs(
                JobsCommand::Resubmit { which } | JobsCommand::Cancel { which },
            )) => {
                let (tenant, filter) = which.filter.parts();
                Some((which.ids.len(), tenant, filter))
            }
            _ => None,
        }
    }

    #[test]
    fn jobs_are_named_within_a_tenant_or_selected_by_a_filter_but_never_both() {
        let id = "5f0c35b4-0a1c-5d39-8a8e-9f0c0e6f4d11";
        assert_eq!(which("studio jobs resubmit"), None);
        assert_eq!(which("studio jobs resubmit --tenant a"), None);
        assert_eq!(which(&format!("studio jobs resubmit {id}")), None);
        let named = which(&format!("studio jobs resubmit --tenant a {id} {id}"));
        assert_eq!(named.map(|(ids, _, _)| ids), Some(2));
        let both = which(&format!(
            "studio jobs cancel --tenant a {id} --state created"
        ));
        assert_eq!(both, None);
        let failed = JobFilter {
            state: Some(JobState::Failed),
            cause: Some("S3".to_owned()),
            ..JobFilter::default()
        };
        assert_eq!(
            which("studio jobs resubmit --state failed --cause S3"),
            Some((0, None, failed))
        );
    }
}
