//! The arguments of the command line, and what they mean.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use contract::{AssetKind, Identifier, Time, Topic};
use operations::{Filter, JobState, Pace, Which};
use uuid::Uuid;

use crate::{place::Place, time::time_of_now};

/// The operator's command line for the studio's event functions: dead letters and render jobs.
///
/// It invokes the function studio-operator-<STAGE>, with the credentials and the region that the
/// AWS CLI would use in this shell.
#[derive(Debug, Parser)]
#[command(name = "studio", max_term_width = 110, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Print the function's answers as JSON, one line for each page.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  studio --stage staging dead-letters list --since 2d
  studio --local dead-letters redrive --all
  studio --local jobs list --tenant tenant-monsoon-arts --state failed

Exit codes:
  0  all of it is done, or shown
  1  AWS or the function did not do their part: try again
  2  the command line is not understood
  3  there is no such thing, or it cannot be had: trying again does not help
  4  it is done as far as it can be, and something is left";

#[derive(Debug, Args)]
#[group(id = "place", multiple = false)]
pub struct PlaceArguments {
    /// The environment on AWS, such as staging.
    #[arg(long, global = true, value_name = "STAGE")]
    stage: Option<String>,
    /// Use the stack of `make up` on this machine; FILE is the file that `make up` wrote, by
    /// default target/up.env in this folder or one above.
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "stage")]
    local: Option<Option<PathBuf>>,
}

impl PlaceArguments {
    /// The place that the arguments name. Exits with an error if they name none, because clap
    /// cannot require a global argument.
    pub fn place(self) -> Place {
        match (self.stage, self.local) {
            (Some(stage), _) => Place::Stage(stage),
            (None, Some(file)) => Place::Local(file),
            (None, None) => {
                use clap::{CommandFactory as _, error::ErrorKind};
                let which = "say which studio: --stage <STAGE> for one on AWS, --local for that of `make up`";
                Arguments::command()
                    .error(ErrorKind::MissingRequiredArgument, which)
                    .exit()
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Dead letters, which are records that cannot succeed as they are or that a mapping gave up:
    /// show, redrive or discard them.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// A tenant's render jobs: show, resubmit or cancel them.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Send an event of the reserved tenant studio-smoke through the whole system, and wait for its
    /// poster.
    Smoke {
        /// How long this may take, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        within: u32,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List the dead letters that wait for a decision, by when they were first seen, the oldest
    /// first.
    ///
    /// Without --after, the function first turns the records of the on-failure envelopes into dead
    /// letters, so that the list includes them.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters list --topic eventzr.event.created.v1 --cause startsAt --since 6h"
    )]
    List {
        #[command(flatten)]
        filter: FilterArguments,
        /// The maximum number of entries.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        most: u32,
        /// Continue where an earlier list ended.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
    /// Show one dead letter: its cause, its position in the topic, and its full content.
    Show {
        /// The record's id, from the list.
        id: Uuid,
    },
    /// Give records to their consumers again, as the mapping would. Without --execute, only show
    /// what would happen.
    ///
    /// A second redrive does no harm, because all ids that a record leads to are derived from the
    /// record. Nothing is published, so no other consumer sees the record. A record that its
    /// consumer handles leaves the list; one that fails again stays, with a higher count. After an
    /// interruption, run the same command again. Fix the cause first: by a deployment, or by
    /// supplying what the record depends on.
    #[command(
        after_help = "Examples:\n  studio --stage staging dead-letters redrive --cause 'gave it up' --since 1d\n  \
                            studio --stage staging dead-letters redrive --cause 'gave it up' --since 1d --execute\n  \
                            studio --stage staging dead-letters redrive 5f0c35b4-0a1c-5d39-8a8e-9f0c0e6f4d11 --execute"
    )]
    Redrive {
        #[command(flatten)]
        which: WhichArguments,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
        /// The maximum number of records per second.
        #[arg(long, value_name = "NUMBER", default_value_t = Pace::default().per_second)]
        per_second: NonZeroU32,
        /// Skip a record that was dead-lettered at least this often: it fails each time.
        #[arg(long, value_name = "TIMES", default_value_t = Pace::default().guard)]
        guard: u64,
    },
    /// Delete records that are not needed. Without --execute, only show what would happen.
    ///
    /// The bucket keeps old versions for a week, and the entry shows for 97 days that the record
    /// was discarded.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters discard --tenant tenant-monsoon-arts --cause tombstone --execute"
    )]
    Discard {
        #[command(flatten)]
        which: WhichArguments,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List a tenant's jobs, the newest first.
    #[command(
        after_help = "Example:\n  studio --stage staging jobs list --tenant tenant-monsoon-arts --state failed --since 2d"
    )]
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        /// Only jobs in this state: created, submitted, completed, failed, cancelled or erased.
        #[arg(long)]
        state: Option<JobState>,
        /// Only jobs that make this kind of asset, such as poster.
        #[arg(long, value_name = "KIND", value_parser = asset_kind)]
        asset: Option<AssetKind>,
        /// Only jobs created since this time: how long ago (6h), a day, or a time with its offset.
        #[arg(long, value_name = "TIME", value_parser = time_of_now)]
        since: Option<Time>,
        /// Only jobs created before this time.
        #[arg(long, value_name = "TIME", value_parser = time_of_now)]
        until: Option<Time>,
        /// The maximum number of entries.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        most: u32,
        /// Continue where an earlier list ended.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
    /// Show one job and its history.
    Show {
        #[command(flatten)]
        tenant: TenantArgument,
        /// The job's id, from the list.
        id: Uuid,
    },
    /// Make jobs that have ended again, each as a new job. Without --execute, only show what would
    /// happen.
    ///
    /// The new job shows what its template shows now, and may cost as much as the old one. A second
    /// resubmit of the same job makes nothing new; to make the new job again, name that one.
    #[command(
        after_help = "Example:\n  studio --stage staging jobs resubmit --tenant tenant-monsoon-arts aec4c8e1-cbe3-5d61-8d23-fabd1e6117d0 --execute"
    )]
    Resubmit {
        #[command(flatten)]
        which: JobsArguments,
    },
    /// Cancel open jobs, here and at their providers. Without --execute, only show what would
    /// happen.
    Cancel {
        #[command(flatten)]
        which: JobsArguments,
    },
}

#[derive(Debug, Args)]
pub struct TenantArgument {
    /// The tenant that owns the jobs: the jobs of other tenants are not visible.
    #[arg(long, value_parser = tenant)]
    pub tenant: Identifier,
}

#[derive(Debug, Args)]
pub struct JobsArguments {
    #[command(flatten)]
    pub tenant: TenantArgument,
    /// The ids of the jobs.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<Uuid>,
    /// Execute it, instead of only showing what would happen.
    #[arg(long)]
    pub execute: bool,
}

#[derive(Debug, Args)]
pub struct FilterArguments {
    /// Only records of this topic.
    #[arg(long)]
    topic: Option<Topic>,
    /// Only records whose key is this tenant.
    #[arg(long, value_parser = tenant)]
    tenant: Option<Identifier>,
    /// Only records with this text in their cause, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// Only records first seen since this time: how long ago (6h), a day, or a time with its
    /// offset.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    since: Option<Time>,
    /// Only records first seen before this time.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    until: Option<Time>,
}

#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = true, args = ["ids", "all", "topic", "tenant", "cause", "since", "until"])]
pub struct WhichArguments {
    /// The ids of the records.
    #[arg(value_name = "ID", conflicts_with_all = ["all", "topic", "tenant", "cause", "since", "until"])]
    ids: Vec<Uuid>,
    /// All waiting records.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: FilterArguments,
}

impl From<FilterArguments> for Filter {
    fn from(arguments: FilterArguments) -> Self {
        let FilterArguments {
            topic,
            tenant,
            cause,
            since,
            until,
        } = arguments;
        Self {
            topic,
            tenant,
            cause,
            since,
            until,
        }
    }
}

impl From<WhichArguments> for Which {
    fn from(arguments: WhichArguments) -> Self {
        match arguments.ids {
            ids if ids.is_empty() => Self::Matching(arguments.filter.into()),
            ids => Self::Ids(ids),
        }
    }
}

fn asset_kind(text: &str) -> Result<AssetKind, String> {
    let known = || AssetKind::ALL.map(AssetKind::as_str).join(", ");
    AssetKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| format!("the studio makes {}", known()))
}

fn tenant(text: &str) -> Result<Identifier, contract::TextError> {
    Identifier::parse(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    fn help(of: &[&str]) -> String {
        let line = ["studio"].iter().chain(of).chain(&["--help"]).copied();
        Arguments::try_parse_from(line).unwrap_err().to_string()
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_matches_its_snapshots() {
        insta::assert_snapshot!("help", help(&[]));
        insta::assert_snapshot!("help_of_dead_letters_list", help(&["dead-letters", "list"]));
        insta::assert_snapshot!(
            "help_of_dead_letters_redrive",
            help(&["dead-letters", "redrive"])
        );
        insta::assert_snapshot!(
            "help_of_dead_letters_discard",
            help(&["dead-letters", "discard"])
        );
        insta::assert_snapshot!("help_of_jobs_list", help(&["jobs", "list"]));
        insta::assert_snapshot!("help_of_jobs_resubmit", help(&["jobs", "resubmit"]));
    }

    #[test]
    fn the_place_may_come_anywhere_but_only_once() {
        let place = |line| parse(line).unwrap().place.place();
        assert_eq!(
            place("studio dead-letters list --stage staging"),
            Place::Stage("staging".to_owned())
        );
        assert_eq!(
            place("studio --local dead-letters list"),
            Place::Local(None)
        );
        assert_eq!(
            place("studio --local=x.env dead-letters list"),
            Place::Local(Some(PathBuf::from("x.env")))
        );
        assert!(parse("studio --local --stage staging dead-letters list").is_err());
    }

    #[test]
    fn records_are_chosen_by_id_or_by_filter_and_all_only_with_the_flag() {
        let which = |line: &str| match parse(line).map(|arguments| arguments.command) {
            Ok(Command::DeadLetters(
                DeadLetters::Redrive { which, .. } | DeadLetters::Discard { which, .. },
            )) => Some(which.into()),
            _ => None,
        };
        let id = "5f0c35b4-0a1c-5d39-8a8e-9f0c0e6f4d11";
        assert_eq!(which("studio dead-letters discard"), None);
        assert_eq!(which("studio dead-letters redrive --execute"), None);
        assert_eq!(
            which("studio dead-letters redrive --all"),
            Some(Which::Matching(Filter::default()))
        );
        let of_tenant = Filter {
            tenant: Some(Identifier::parse("a").unwrap()),
            ..Filter::default()
        };
        assert_eq!(
            which("studio dead-letters discard --tenant a"),
            Some(Which::Matching(of_tenant))
        );
        assert_eq!(
            which(&format!("studio dead-letters redrive {id}")),
            Some(Which::Ids(vec![id.parse().unwrap()]))
        );
        assert_eq!(
            which(&format!("studio dead-letters redrive {id} --tenant a")),
            None
        );
        assert_eq!(
            which("studio dead-letters redrive --topic eventzr.event.created.v2"),
            None
        );
    }
}
