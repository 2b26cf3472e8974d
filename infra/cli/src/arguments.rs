//! The arguments of the command line, and what they mean.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};
use clap_complete::Shell;
use contract::{Identifier, S3Object, Time, Topic};
use operations::{
    DeadLetterSource, Filter, Pace, Remainder, UnknownRemainder, UnknownSource, VoiceStatus, Which,
    consumed_topic,
};
use uuid::Uuid;

use crate::{deployment::Deployment, time::time_of_now};

mod jobs;
mod why;

pub use jobs::{JobsArguments, JobsCommand};
pub use why::WhyArguments;

/// The operator's command line for the studio's event functions.
///
/// A command that changes something says what it would do, and does it with --execute. Every command
/// can be repeated.
///
/// It invokes the function studio-operator-<STAGE>, with the credentials and the region that the
/// AWS CLI would use in this shell.
#[derive(Debug, Parser)]
#[command(name = "studio", version, max_term_width = 110, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    pub deployment: DeploymentArguments,
    /// Print the function's answers as JSON, one line for each.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Why you change something, such as a ticket. The audit keeps it, with who you are.
    #[arg(long, global = true, value_name = "TEXT", help_heading = GLOBAL)]
    pub reason: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

/// The heading of the options that each command takes.
const GLOBAL: &str = "Options of every command";

const AFTER_HELP: &str = "\
Examples:
  studio --stage staging dead-letters list --since 2d
  studio --local dead-letters redrive --all
  studio --local jobs list --state failed --since 2h
  studio --stage staging tenants erase tenant-monsoon-arts
  studio --stage staging providers

Exit codes:
  0  everything is done or shown
  1  AWS or the function failed: try again; of settings check: they are invalid
  2  the command line is wrong
  3  it does not exist, is not allowed, or you are not signed in: trying again does not help
  4  done as far as possible, and something is left
  5  of smoke: no consumer has taken the event yet
  6  of smoke: the event has a job, which is not completed
  7  of smoke: the event failed";

const WHY_HELP: &str = "\
Examples:
  studio --stage staging why tenant-monsoon-arts
  studio --stage staging why tenant-monsoon-arts evt-316aa6d0
  studio --stage staging why tenant-monsoon-arts event/diwali-2026
  studio --stage staging why tenant-monsoon-arts https://assets.example.com/renders/0a1b/2c3d/poster.png
  studio --stage staging why tenant-monsoon-arts eventzr.event.created.v1/3/4711

Exit codes:
  0  it is explained
  3  the tenant has nothing of this name";

const SMOKE_HELP: &str = "\
Examples:
  studio --stage staging smoke
  studio --stage staging smoke --event 316aa6d0-8154-4a9e-9af7-85d5f4a6bc81 --within 900

Exit codes:
  0  it came through
  5  no consumer has taken it yet: a mapping is paused or not enabled, or the consumer is behind
  6  it has a job, which is not completed
  7  its job failed, or its consumer wrote a dead letter for it";

#[derive(Debug, Args)]
#[group(id = "deployment", multiple = false)]
pub struct DeploymentArguments {
    /// The environment on AWS, such as staging. Without it and without --local, the one that the
    /// environment variable STUDIO_STAGE names.
    #[arg(long, global = true, value_name = "STAGE", help_heading = GLOBAL)]
    stage: Option<String>,
    /// Use the stack of `make up` on this machine; FILE is the file that `make up` wrote, by
    /// default target/up.env in this folder or one above.
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL, num_args = 0..=1, require_equals = true, conflicts_with = "stage")]
    local: Option<Option<PathBuf>>,
}

impl DeploymentArguments {
    /// The deployment that the arguments name, or else the variable STUDIO_STAGE, which has the value
    /// `of_shell`. Clap's own variables would conflict with --local.
    ///
    /// # Errors
    /// Clap's error if nothing names one, because clap cannot require a global argument.
    pub fn deployment(self, of_shell: Option<String>) -> Result<Deployment, clap::Error> {
        let of_shell = of_shell.filter(|stage| !stage.is_empty());
        match (self.stage, self.local, of_shell) {
            (Some(stage), _, _) | (None, None, Some(stage)) => Ok(Deployment::Stage(stage)),
            (None, Some(file), _) => Ok(Deployment::Local(file)),
            (None, None, None) => {
                let which = "name the studio: --stage <STAGE> (or STUDIO_STAGE in the environment) for one on AWS, --local for that of `make up`";
                let kind = ErrorKind::MissingRequiredArgument;
                Err(Arguments::command().error(kind, which))
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Function(FunctionCommand),
    /// The settings of the providers, which the parameter ProviderSettings has: check them before a
    /// deployment.
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Print what a shell reads to complete commands and options.
    #[command(
        after_help = "Examples:\n  studio completions bash >~/.local/share/bash-completion/completions/studio\n  \
                            studio completions zsh >\"${fpath[1]}/_studio\"\n  \
                            studio completions fish >~/.config/fish/completions/studio.fish"
    )]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    #[command(
        after_help = "Examples:\n  studio man | man -l -\n  studio man ~/.local/share/man/man1"
    )]
    Man {
        /// The folder, which must exist.
        folder: Option<PathBuf>,
    },
}

/// The commands that ask the function.
#[derive(Debug, Subcommand)]
pub enum FunctionCommand {
    /// Say why something came, came otherwise or did not come: what happened, how it stands, and what
    /// comes next.
    ///
    /// WHAT is the id of an event, a job, a voice, a dead letter or an entity; or the address of an
    /// asset; or event/<ID>, content/<ID> or campaign/<ID>; or a record, <TOPIC>/<PARTITION>/<OFFSET>.
    /// Without it, the newest jobs and the dead letters of the tenant are shown. What is another
    /// tenant's is not found.
    #[command(after_help = WHY_HELP)]
    Why(WhyArguments),
    /// Dead letters, which are records that cannot succeed as they are or that a mapping gave up:
    /// show, redrive or discard them.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Render jobs, of a tenant or of all: list, count, show, resubmit or cancel them.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Tenants: erase everything of one, or let its erasure go on without what a vendor keeps.
    #[command(subcommand)]
    Tenants(TenantsCommand),
    /// Cloned voices: list them, show one, verify its owner, or erase it.
    #[command(subcommand)]
    Voices(VoicesCommand),
    /// The providers of media: list them with their breakers, calls, lines, cost and last refusals, or
    /// close a breaker. Without a command, list them.
    Providers {
        #[command(subcommand)]
        command: Option<ProvidersCommand>,
    },
    /// Show how full the queue of what is to be rendered is, and how long its oldest picture waits.
    #[command(after_help = "Example:\n  studio --stage staging queue")]
    Queue,
    /// List what operators changed, the newest first: who, when, what, why, and what came of it.
    #[command(
        after_help = "Examples:\n  studio --stage staging audit --since 30d\n  \
                            studio --stage staging audit --since 2026-11-01 --until 2026-12-01 --json"
    )]
    Audit(AuditArguments),
    /// Send an event of the reserved tenant studio-smoke through the whole system, and wait for its
    /// poster.
    ///
    /// If the event does not come through in time, the command says how far it came. A second call
    /// with --event waits for the same event: a new one would wait behind it.
    #[command(after_help = SMOKE_HELP)]
    Smoke {
        /// Wait for this event of an earlier call, and send none.
        #[arg(long, value_name = "ID", value_parser = Identifier::parse)]
        event: Option<Identifier>,
        /// How long this may take, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        within: u32,
    },
}

#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// Check a file with the parser of the functions. It asks nothing of AWS, and needs no stage.
    #[command(after_help = "Example:\n  studio settings check providers.json")]
    Check {
        /// The file with the JSON; `-` is the standard input.
        file: PathBuf,
        /// The stage's audio providers, as its parameter `AudioProviders` has them.
        #[arg(long, value_name = "PROVIDERS")]
        audio_providers: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List the dead letters that wait for a decision, by when they were first seen, the newest
    /// first. If there are more than a page, the totals follow by cause, tenant and topic.
    ///
    /// Without --after, the function first turns the records of the on-failure envelopes into dead
    /// letters, so that the list includes them.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters list --topic event.created --cause startsAt --since 6h"
    )]
    List {
        #[command(flatten)]
        filter: FilterArguments,
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
    /// Count the dead letters that wait for a decision, by cause, tenant and topic.
    #[command(after_help = "Example:\n  studio --stage staging dead-letters count --since 6h")]
    Count {
        #[command(flatten)]
        filter: FilterArguments,
    },
    /// Make a dead letter of a record that stops its partition, so that the partition goes on.
    /// Without --execute, only show what would happen.
    ///
    /// The line `record to be delivered again` in the consumer's log names the topic, the partition
    /// and the offset. The record is marked; when the mapping delivers it next and its consumer cannot
    /// handle it, the consumer makes a dead letter of it. A record that can be handled is handled
    /// even so. It needs the --reason, which the dead letter keeps. Nothing is lost: redrive it
    /// once the cause is fixed. If a broken item in the table stops several records of its entity, set
    /// each of them aside.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters add --topic event.created --partition 3 --offset 1234 \
                            --reason 'ticket 4711: its entity cannot be read' --execute"
    )]
    Add {
        /// The record's topic, such as event.created.
        #[arg(long, value_parser = consumed_topic)]
        topic: Topic,
        /// Its partition.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
        partition: i32,
        /// Its offset.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
        offset: i64,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
    },
    /// Show one dead letter: its cause, its position in the topic, and its full content.
    Show {
        /// The record's id, from the list.
        id: Uuid,
        /// Print only the record's value, for a file to edit.
        #[arg(long)]
        value: bool,
    },
    /// Edit an event and send it again: give its consumer the record with the value in a file, under
    /// a new id. Without --execute, only show what would happen.
    ///
    /// Nothing is published to the topic, so no other consumer sees the edited event: tell its
    /// producer. The id gets an ending, unless the file has another id already. Once the consumer has
    /// taken it, the dead letter is resolved. If the consumer refuses the edited event too, it says
    /// why, and the dead letter waits as before. The same edit sent twice is done once.
    #[command(
        after_help = "Example:\n  studio --stage staging dead-letters show 5f0c35b4-0a1c-5d39-8a8e-9f0c0e6f4d11 --value >event.json\n  \
                            $EDITOR event.json\n  \
                            studio --stage staging dead-letters correct 5f0c35b4-0a1c-5d39-8a8e-9f0c0e6f4d11 event.json --execute"
    )]
    Correct {
        /// The record's id, from the list.
        id: Uuid,
        /// The file with the edited value; `-` is the standard input.
        file: PathBuf,
        /// The record's key, if it is to have another: the tenant, written as its events have it.
        #[arg(long, value_name = "TENANT", value_parser = Identifier::parse)]
        key: Option<Identifier>,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
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
pub enum TenantsCommand {
    /// Erase everything of a tenant: media, facts, cloned voices, dead letters, and the copies at
    /// the vendors. Without --execute, only count what would be erased.
    ///
    /// Erasing cannot be undone, so --execute asks for the tenant's name again. Open jobs are cancelled first, and an event from before the
    /// erasure brings nothing back. While a request to a vendor may still be on its way, a part is
    /// left; the command then repeats the step by itself. After an interruption, run the same
    /// command again.
    ///
    /// A vendor, a bucket or a CDN that refuses to delete its copy stops nothing else, and is named
    /// each time. If it never will, close-remainder puts on record why the erasure goes on without it.
    ///
    /// A dead letter whose key does not name the tenant is not found: search for it with
    /// dead-letters list --cause <TENANT>.
    #[command(
        after_help = "Examples:\n  studio --stage staging tenants erase tenant-monsoon-arts\n  \
                            studio --stage staging tenants erase tenant-monsoon-arts --execute --confirm tenant-monsoon-arts"
    )]
    Erase {
        /// The tenant, written as its events have it.
        #[arg(value_parser = Identifier::parse)]
        tenant: Identifier,
        #[command(flatten)]
        erase: EraseArguments,
        /// The tenant's name again, for --execute. Without it, the command asks for it on a terminal.
        #[arg(long, value_name = "TENANT")]
        confirm: Option<String>,
    },
    /// Let the erasure of a tenant go on without what a vendor, a bucket or a CDN refuses to delete.
    /// Without --execute, only show what would happen.
    ///
    /// The copy stays where it is: first ask the vendor, or the owner of the bucket, to delete it
    /// or to allow it. Who kept what, the --reason and the time stay on record: give a reason that
    /// names no person. Afterwards run
    /// tenants erase again: it still asks, no longer waits, and names what is kept.
    #[command(
        after_help = "Example:\n  studio --stage staging tenants close-remainder tenant-monsoon-arts \
                            elevenlabs:voice:3b4922b8-1b61-5bbc-9362-acfc161181af \
                            --reason 'ElevenLabs closed the account; their ticket 4711 confirms the deletion' --execute"
    )]
    CloseRemainder {
        /// The tenant that is being erased.
        #[arg(value_parser = Identifier::parse)]
        tenant: Identifier,
        /// What is kept, and by whom, as tenants erase names it: <KEEPER>:<ITEM>.
        #[arg(value_parser = remainder)]
        remainder: Remainder,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum VoicesCommand {
    /// List voices, the newest first: a tenant's, or those of all tenants that failed or are not ready
    /// yet.
    ///
    /// Of all tenants an index has two kinds, and one of them must be named: --state failed (or
    /// --cause), and --state registered, awaiting-owner or training.
    #[command(
        after_help = "Examples:\n  studio --stage staging voices list --tenant tenant-monsoon-arts\n  \
                            studio --stage staging voices list --state awaiting-owner"
    )]
    List {
        #[command(flatten)]
        filter: VoiceFilterArguments,
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
    /// Show one voice: its state, what its owner is to read aloud, and why it failed.
    #[command(
        after_help = "Example:\n  studio --stage staging voices show --tenant tenant-monsoon-arts 3b4922b8-1b61-5bbc-9362-acfc161181af"
    )]
    Show {
        #[command(flatten)]
        which: VoiceArguments,
    },
    /// Have the provider verify that a voice is its owner's, so that its training goes on. Without
    /// --execute, only show what would happen.
    ///
    /// A professional voice waits seven days for its owner, who reads aloud what `voices show`
    /// names. Upload the recording to a bucket of the parameter VoiceBuckets, under the tenant's
    /// prefix, and pass its address.
    /// The owner of an instant voice verifies it at the provider; then, and whenever the provider is
    /// satisfied already, no recording is needed.
    #[command(
        after_help = "Example:\n  studio --stage staging voices verify --tenant tenant-monsoon-arts 3b4922b8-1b61-5bbc-9362-acfc161181af \
                            --recording s3://monsoon-arts-voices/tenant-monsoon-arts/asha/recording.mp3 --execute"
    )]
    Verify {
        #[command(flatten)]
        which: VoiceArguments,
        /// What the owner read aloud. Without it, the provider is only asked whether it is
        /// satisfied.
        #[arg(long, value_name = "S3-ADDRESS", value_parser = s3_object)]
        recording: Option<S3Object>,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
    },
    /// Erase a voice: here, at its provider, its samples and what its owner read aloud. Without
    /// --execute, only show what would be erased.
    ///
    /// Erasing cannot be undone. It takes six minutes at least: until then something of the voice may
    /// still be on its way, and the command repeats the step by itself. After an interruption, run
    /// the same command again.
    #[command(
        after_help = "Example:\n  studio --stage staging voices erase --tenant tenant-monsoon-arts 3b4922b8-1b61-5bbc-9362-acfc161181af --execute"
    )]
    Erase {
        #[command(flatten)]
        which: VoiceArguments,
        #[command(flatten)]
        erase: EraseArguments,
    },
}

#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// List the providers: calls in flight, jobs that wait for their turn, credits, breaker, and the
    /// last refusal in the provider's own words. A provider whose breaker is open gets no requests.
    #[command(after_help = "Example:\n  studio --stage staging providers list")]
    List,
    /// Close a provider's breaker, so that the next job asks the provider again at once. Without
    /// --execute, only show what would happen.
    ///
    /// A breaker closes by itself a quarter of an hour after it opened. Fix the cause first: if the
    /// provider refuses again, the breaker opens again.
    #[command(
        after_help = "Examples:\n  studio --stage staging providers close-breaker openai\n  \
                            studio --stage staging providers close-breaker openai --execute"
    )]
    CloseBreaker {
        /// The provider's name, from the list.
        provider: String,
        /// Execute it, instead of only showing what would happen.
        #[arg(long)]
        execute: bool,
    },
}

#[derive(Debug, Args)]
pub struct AuditArguments {
    /// Only changes since this time: how long ago (6h), a day, or a time with its offset. The
    /// audit goes back 400 days.
    #[arg(long, value_name = "TIME", value_parser = time_of_now, default_value = "7d")]
    pub since: Time,
    /// Only changes before this time.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    pub until: Option<Time>,
    /// The maximum number of entries.
    #[arg(
        long = "limit",
        alias = "most",
        value_name = "NUMBER",
        default_value_t = 50
    )]
    pub most: u32,
}

#[derive(Debug, Args)]
pub struct VoiceArguments {
    /// The tenant that owns the voice: the voices of other tenants are not visible.
    #[arg(long, value_parser = Identifier::parse)]
    pub tenant: Identifier,
    /// The voice model's id, which is also the name of its execution.
    pub id: Uuid,
}

#[derive(Debug, Args)]
pub struct VoiceFilterArguments {
    /// Only voices of this tenant.
    #[arg(long, value_parser = Identifier::parse)]
    pub tenant: Option<Identifier>,
    /// Only voices in this state: registered, awaiting-owner, training, ready, failed, erasing or
    /// erased.
    #[arg(long)]
    pub state: Option<VoiceStatus>,
    /// Only failed voices with this text in why they failed, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    pub cause: Option<String>,
    /// Only voices registered since this time: how long ago (6h), a day, or a time with its offset.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    pub since: Option<Time>,
    /// Only voices registered before this time.
    #[arg(long, value_name = "TIME", value_parser = time_of_now)]
    pub until: Option<Time>,
}

#[derive(Debug, Args)]
pub struct EraseArguments {
    /// Execute it, instead of only showing what would be erased.
    #[arg(long)]
    pub execute: bool,
    /// How long to repeat it while something is left, in seconds; 0 runs it once.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub within: u32,
}

#[derive(Debug, Args)]
pub struct FilterArguments {
    /// Only records of this topic, such as event.created, or with render-queue only messages that
    /// could not be read.
    #[arg(long, value_parser = dead_letter_source)]
    topic: Option<DeadLetterSource>,
    /// Only records whose key is this tenant.
    #[arg(long, value_parser = Identifier::parse)]
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

fn s3_object(address: &str) -> Result<S3Object, &'static str> {
    S3Object::parse(address).ok_or("write an address in S3, such as s3://voices/asha/recording.mp3")
}

fn dead_letter_source(text: &str) -> Result<DeadLetterSource, UnknownSource> {
    consumed_topic(text).map_or_else(|_| text.parse(), |topic| Ok(DeadLetterSource::Topic(topic)))
}

fn remainder(text: &str) -> Result<Remainder, UnknownRemainder> {
    text.parse()
}

#[cfg(test)]
mod tests {
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
        insta::assert_snapshot!("help_of_completions", help(&["completions"]));
        insta::assert_snapshot!("help_of_man", help(&["man"]));
        insta::assert_snapshot!("help_of_dead_letters_list", help(&["dead-letters", "list"]));
        insta::assert_snapshot!(
            "help_of_dead_letters_redrive",
            help(&["dead-letters", "redrive"])
        );
        insta::assert_snapshot!(
            "help_of_dead_letters_discard",
            help(&["dead-letters", "discard"])
        );
        insta::assert_snapshot!(
            "help_of_dead_letters_correct",
            help(&["dead-letters", "correct"])
        );
        insta::assert_snapshot!("help_of_dead_letters_add", help(&["dead-letters", "add"]));
        insta::assert_snapshot!("help_of_jobs_list", help(&["jobs", "list"]));
        insta::assert_snapshot!("help_of_jobs_resubmit", help(&["jobs", "resubmit"]));
        insta::assert_snapshot!("help_of_tenants_erase", help(&["tenants", "erase"]));
        insta::assert_snapshot!(
            "help_of_tenants_close_remainder",
            help(&["tenants", "close-remainder"])
        );
        insta::assert_snapshot!("help_of_voices", help(&["voices"]));
        insta::assert_snapshot!("help_of_voices_list", help(&["voices", "list"]));
        insta::assert_snapshot!("help_of_voices_verify", help(&["voices", "verify"]));
        insta::assert_snapshot!("help_of_voices_erase", help(&["voices", "erase"]));
        insta::assert_snapshot!("help_of_providers", help(&["providers"]));
        insta::assert_snapshot!(
            "help_of_providers_close_breaker",
            help(&["providers", "close-breaker"])
        );
        insta::assert_snapshot!("help_of_smoke", help(&["smoke"]));
        insta::assert_snapshot!("help_of_why", help(&["why"]));
        insta::assert_snapshot!("help_of_settings_check", help(&["settings", "check"]));
    }

    #[test]
    fn the_deployment_may_come_anywhere_but_only_once() {
        let deployment = |line| parse(line).unwrap().deployment.deployment(None).unwrap();
        assert_eq!(
            deployment("studio dead-letters list --stage staging"),
            Deployment::Stage("staging".to_owned())
        );
        assert_eq!(
            deployment("studio --local dead-letters list"),
            Deployment::Local(None)
        );
        assert_eq!(
            deployment("studio --local=x.env dead-letters list"),
            Deployment::Local(Some(PathBuf::from("x.env")))
        );
        assert!(parse("studio --local --stage staging dead-letters list").is_err());
    }

    #[test]
    fn the_shell_may_name_a_stage_and_an_argument_has_precedence() {
        let deployment = |line, of_shell: &str| {
            let arguments = parse(line).unwrap().deployment;
            arguments.deployment(Some(of_shell.to_owned())).ok()
        };
        let stage = |name: &str| Some(Deployment::Stage(name.to_owned()));
        assert_eq!(deployment("studio queue", "staging"), stage("staging"));
        assert_eq!(
            deployment("studio --stage trial queue", "staging"),
            stage("trial")
        );
        assert_eq!(
            deployment("studio --local queue", "staging"),
            Some(Deployment::Local(None))
        );
        assert_eq!(deployment("studio queue", ""), None, "an empty one is none");
    }

    #[test]
    fn the_version_is_that_of_the_workspace() {
        let version = parse("studio --version").unwrap_err().to_string();
        assert_eq!(version, format!("studio {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn records_are_chosen_by_id_or_by_filter_and_all_only_with_the_flag() {
        let which = |line: &str| match parse(line).map(|arguments| arguments.command) {
            Ok(Command::Function(FunctionCommand::DeadLetters(
                DeadLettersCommand::Redrive { which, .. }
                | DeadLettersCommand::Discard { which, .. },
            ))) => Some(which.into()),
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
        for name in ["eventzr.event.created.v1", "event.created", "event-created"] {
            let of_topic = Filter {
                topic: Some(DeadLetterSource::Topic(Topic::EventCreated)),
                ..Filter::default()
            };
            assert_eq!(
                which(&format!("studio dead-letters redrive --topic {name}")),
                Some(Which::Matching(of_topic)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_record_is_set_aside_by_its_exact_place() {
        let add = "studio dead-letters add --topic event.created";
        assert!(parse(&format!("{add} --partition 3 --offset 1234")).is_ok());
        assert!(parse(&format!("{add} --partition 3")).is_err());
        assert!(parse(&format!("{add} --partition 3 --offset=-1")).is_err());
        assert!(parse("studio dead-letters add --topic other --partition 3 --offset 4").is_err());
    }

    #[test]
    fn a_tenant_is_erased_by_name_and_only_with_execute() {
        let erase = |line: &str| match parse(line).map(|arguments| arguments.command) {
            Ok(Command::Function(FunctionCommand::Tenants(TenantsCommand::Erase {
                tenant,
                erase,
                confirm,
            }))) => {
                let confirmed = confirm.is_some_and(|name| name == tenant.as_str());
                let tenant = tenant.as_str().to_owned();
                Some((tenant, erase.execute, confirmed, erase.within))
            }
            _ => None,
        };
        let gone = "tenant-gone".to_owned();
        assert_eq!(
            erase("studio tenants erase tenant-gone"),
            Some((gone.clone(), false, false, 600))
        );
        assert_eq!(
            erase("studio tenants erase tenant-gone --execute --confirm tenant-gone --within 0"),
            Some((gone, true, true, 0))
        );
        assert_eq!(erase("studio tenants erase"), None);
        assert_eq!(erase("studio tenants erase tenant-gone tenant-b"), None);
    }

    #[test]
    fn a_remainder_is_named_by_its_keeper_and_its_item() {
        let close = |line: &str| {
            let arguments = parse(line).ok()?;
            match arguments.command {
                Command::Function(FunctionCommand::Tenants(TenantsCommand::CloseRemainder {
                    remainder,
                    execute,
                    ..
                })) => Some((remainder.to_string(), arguments.reason, execute)),
                _ => None,
            }
        };
        let command = "studio tenants close-remainder tenant-gone";
        assert_eq!(
            close(&format!(
                "{command} elevenlabs:job:7 --reason closed --execute"
            )),
            Some((
                "elevenlabs:job:7".to_owned(),
                Some("closed".to_owned()),
                true
            ))
        );
        assert_eq!(
            close(&format!("{command} elevenlabs --reason closed")),
            None
        );
    }

    #[test]
    fn a_voice_needs_its_tenant_and_a_recording_is_an_address_in_s3() {
        let id = "3b4922b8-1b61-5bbc-9362-acfc161181af";
        let recording = |line: &str| match parse(line).map(|arguments| arguments.command) {
            Ok(Command::Function(FunctionCommand::Voices(VoicesCommand::Verify {
                recording,
                ..
            }))) => Some(recording),
            _ => None,
        };
        let verify = format!("studio voices verify {id} --tenant a");
        assert_eq!(recording(&verify), Some(None));
        assert_eq!(
            recording(&format!("{verify} --recording s3://voices/asha.mp3")),
            Some(S3Object::parse("s3://voices/asha.mp3"))
        );
        assert_eq!(recording(&format!("{verify} --recording asha.mp3")), None);
        for command in ["show", "verify", "erase"] {
            assert!(parse(&format!("studio voices {command} {id}")).is_err());
            assert!(parse(&format!("studio voices {command} --tenant a asha")).is_err());
        }
    }

    #[test]
    fn a_smoke_check_sends_an_event_unless_one_is_named() {
        let smoke = |line: &str| match parse(line).map(|arguments| arguments.command) {
            Ok(Command::Function(FunctionCommand::Smoke { event, within })) => {
                Some((event.map(|event| event.as_str().to_owned()), within))
            }
            _ => None,
        };
        assert_eq!(smoke("studio smoke"), Some((None, 120)));
        assert_eq!(
            smoke("studio smoke --event e-1 --within 900"),
            Some((Some("e-1".to_owned()), 900))
        );
        assert!(parse("studio smoke --event").is_err());
    }

    #[test]
    fn why_needs_a_tenant_and_explains_it_if_nothing_else_is_named() {
        let about = |line: &str| match parse(line).map(|arguments| arguments.command) {
            Ok(Command::Function(FunctionCommand::Why(why))) => {
                Some(why.about.map(|about| about.to_string()))
            }
            _ => None,
        };
        assert_eq!(about("studio why"), None);
        assert_eq!(about("studio why tenant-a"), Some(None));
        let address = "https://assets.example.com/renders/0a/1b/poster.png";
        assert_eq!(
            about(&format!("studio why tenant-a {address}")),
            Some(Some("renders/0a/1b/poster.png".to_owned()))
        );
        assert_eq!(about("studio why tenant-a https://example.com/"), None);
    }

    #[test]
    fn a_breaker_is_closed_of_one_provider() {
        assert!(parse("studio providers close-breaker").is_err());
        assert!(parse("studio providers close-breaker openai runway").is_err());
        assert!(parse("studio providers close-breaker openai --execute").is_ok());
        assert!(parse("studio providers").is_ok(), "it lists them");
    }
}
