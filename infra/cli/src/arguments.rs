//! What can be written on the command line, and what it means.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use contract::{AssetKind, Identifier, Time, Topic};
use operations::{Filter, JobState, Pace, Which};
use uuid::Uuid;

use crate::{place::Place, time::time_of_now};

/// What an operator of the studio's event functions needs: dead letters, and render jobs.
///
/// Asks the function studio-operator-<STAGE>, with the credentials and the region that the AWS CLI
/// would take in this shell.
#[derive(Debug, Parser)]
#[command(name = "studio", max_term_width = 110, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Print what the function answers, as JSON, a line for each page.
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
    /// The environment to ask, such as staging.
    #[arg(long, global = true, value_name = "STAGE")]
    stage: Option<String>,
    /// Ask the stack of `make up` on this machine; FILE is what `make up` wrote, else target/up.env
    /// here or above.
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "stage")]
    local: Option<Option<PathBuf>>,
}

impl PlaceArguments {
    /// The place that is meant. Ends the program if none is said: clap has no global argument that
    /// must be there.
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
    /// Records that can never succeed as they are, or that the mappings gave up: look at them, try
    /// them again, delete them.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// A tenant's render jobs: look at them, have them made again, cancel them.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Send an event of the reserved tenant studio-smoke through all of it, and wait for its
    /// poster.
    Smoke {
        /// How long it may take, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        within: u32,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List the records that wait for somebody, those that were first seen earliest first.
    ///
    /// Before that, each record of the on-failure envelopes becomes a dead letter, so that the list
    /// has all.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters list --topic eventzr.event.created.v1 --cause startsAt --since 6h"
    )]
    List {
        #[command(flatten)]
        filter: FilterArguments,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        most: u32,
        /// Go on where a list ended.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
    /// Show one record: what is wrong with it, where it stood, and all that is in it.
    Show {
        /// Its id, as the list has it.
        id: Uuid,
    },
    /// Give records to their consumers once more, as the mapping would. Says what it would do; does
    /// it with --execute.
    ///
    /// It is safe to do this twice: what a record leads to has ids that come from the record.
    /// Nothing is published, so nobody else sees it. A record that its consumer handles leaves the
    /// list; one that comes back stays, and counts. Interrupted, it is simply started again. Mend
    /// the cause first: by a deployment, or wherever a record depends on something that was
    /// missing.
    #[command(
        after_help = "Examples:\n  studio --stage staging dead-letters redrive --cause 'gave it up' --since 1d\n  \
                            studio --stage staging dead-letters redrive --cause 'gave it up' --since 1d --execute\n  \
                            studio --stage staging dead-letters redrive 5f0c35b4-0a1c-5d39-8a8e-9f0c0e6f4d11 --execute"
    )]
    Redrive {
        #[command(flatten)]
        which: WhichArguments,
        /// Do it.
        #[arg(long)]
        execute: bool,
        /// Records a second at most.
        #[arg(long, value_name = "NUMBER", default_value_t = Pace::default().per_second)]
        per_second: NonZeroU32,
        /// Leave a record alone that was dead-lettered so often: it comes back each time.
        #[arg(long, value_name = "TIMES", default_value_t = Pace::default().guard)]
        guard: u64,
    },
    /// Delete records that nobody wants. Says what it would do; does it with --execute.
    ///
    /// The bucket keeps old versions for a week, and the entry says for 97 days that the record was
    /// discarded.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters discard --tenant tenant-monsoon-arts --cause tombstone --execute"
    )]
    Discard {
        #[command(flatten)]
        which: WhichArguments,
        /// Do it.
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
        /// Only jobs that are so far: created, submitted, completed, failed, cancelled or erased.
        #[arg(long)]
        state: Option<JobState>,
        /// Only jobs that make this, such as poster.
        #[arg(long, value_name = "KIND", value_parser = asset_kind)]
        asset: Option<AssetKind>,
        /// Only jobs created since then: 6h ago, a day, or a time with its offset.
        #[arg(long, value_name = "TIME", value_parser = time_of_now)]
        since: Option<Time>,
        /// Only jobs created before.
        #[arg(long, value_name = "TIME", value_parser = time_of_now)]
        until: Option<Time>,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        most: u32,
        /// Go on where a list ended.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
    /// Show one job with all that happened to it.
    Show {
        #[command(flatten)]
        tenant: TenantArgument,
        /// Its id, as the list has it.
        id: Uuid,
    },
    /// Have jobs that are over made again, each by a new job. Says what it would do; does it with
    /// --execute.
    ///
    /// The new job shows what its template shows now, and may cost what the old one did. Asked for
    /// twice, the same job is made again once; to have the new one made again, name that.
    #[command(
        after_help = "Example:\n  studio --stage staging jobs resubmit --tenant tenant-monsoon-arts aec4c8e1-cbe3-5d61-8d23-fabd1e6117d0 --execute"
    )]
    Resubmit {
        #[command(flatten)]
        which: JobsArguments,
    },
    /// Cancel jobs that are open, here and at their providers. Says what it would do; does it with
    /// --execute.
    Cancel {
        #[command(flatten)]
        which: JobsArguments,
    },
}

#[derive(Debug, Args)]
pub struct TenantArgument {
    /// Whose: another tenant's jobs are not there.
    #[arg(long, value_parser = tenant)]
    pub tenant: Identifier,
}

#[derive(Debug, Args)]
pub struct JobsArguments {
    #[command(flatten)]
    pub tenant: TenantArgument,
    /// The jobs, by their ids.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<Uuid>,
    /// Do it.
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
    /// Only records with this text in their cause, in whatever case.
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// Only records first seen since then: 6h ago, a day, or a time with its offset.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    since: Option<Time>,
    /// Only records first seen before.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    until: Option<Time>,
}

#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = true, args = ["ids", "all", "topic", "tenant", "cause", "since", "until"])]
pub struct WhichArguments {
    /// These records, by their ids.
    #[arg(value_name = "ID", conflicts_with_all = ["all", "topic", "tenant", "cause", "since", "until"])]
    ids: Vec<Uuid>,
    /// All records that wait.
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
    fn help_teaches() {
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
    fn the_place_may_stand_anywhere_and_is_one() {
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
    fn what_is_done_to_records_is_done_to_named_ones_or_to_those_that_match_and_to_all_only_if_that_is_said()
     {
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
