//! The faults that a game day puts into a running stack: what each is, which alarms are right, and
//! what cures what it leaves behind.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;

/// A fault from outside: through AWS's API, through Kafka, in what a producer sends, or in what a
/// dependency answers. No function has a switch for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// Every vendor refuses the studio's key. Needs `--vendors`.
    VendorKeyRevoked,
    /// The secret with OpenAI's key holds a newline and nothing else. Needs `--vendors`.
    VendorKeyEmpty,
    /// Every vendor answers 503. Needs `--vendors`.
    VendorsAway,
    /// The roles that draw may not write to the bucket of assets.
    AssetsRefused,
    /// The consumers may not write to the bucket of dead letters.
    DeadLettersRefused,
    /// S3 answers every call of a function with 503.
    StorageAway,
    /// DynamoDB answers every call of a function with 500.
    TableAway,
    /// A producer renames a required field: its events become dead letters.
    FieldRenamed,
    /// One tenant sends 60 events at once.
    Burst,
    /// The topic of completed jobs takes no record as large as ours. Needs `--broker apache`.
    TopicTooSmall,
    /// The topic of completed jobs is deleted. Needs `--broker apache`.
    TopicDeleted,
    /// The item of an entity is overwritten by hand with what the studio cannot read.
    ItemCorrupted,
    /// The index `open` is deleted from the table.
    IndexDeleted,
    /// A consumer's variable names a table that is not there.
    WrongTable,
    /// A mapping of a topic is disabled.
    MappingDisabled,
    /// The function `completion` has no concurrency.
    NoConcurrency,
    /// The role of `render` may not start executions. Needs `--vendors`.
    StartRefused,
    /// A producer's clock is four minutes ahead, and a correction has the true time.
    ClockAhead,
    /// A producer's clock is two hours ahead.
    ClockFarAhead,
    /// The broker is frozen: it holds its connections, and answers nothing. Needs `--broker apache`.
    BrokerFrozen,
    /// The schedule of the sweep is disabled.
    ScheduleDisabled,
    /// The function that watches has no concurrency.
    WatchStopped,
}

/// Which bell is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// One of these alarms, by their entries in docs/runbook.md.
    OneOf(&'static [&'static str]),
    /// None: the stack heals by itself before a customer complains, which is what is checked.
    None,
}

/// What is done once the fault is mended, for what it left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Nothing: it goes on by itself.
    None,
    /// The breaker of a provider is closed, and what another provider made instead is made again.
    CloseBreaker(&'static str),
    /// The jobs that failed are made again.
    Resubmit,
    /// The producer sends the events again, corrected, and the dead letters are discarded.
    SendAgain,
    /// The dead letters are redriven.
    Redrive,
}

/// What is published while the fault is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Created events of different tenants, each with a poster.
    Posters(u32),
    /// Created events of one tenant at once, each with a poster.
    AtOnce(u32),
    /// Launched campaigns, each with a video of a vendor.
    Videos(u32),
    /// Created events without a required field.
    Renamed(u32),
    /// Two events about one entity: the second repairs the first.
    Twice(Second),
}

/// The second event about an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// It comes later, and is later.
    Later,
    /// The first event's time lies this many seconds ahead of the clock, the second's does not.
    First(i64),
}

impl Fault {
    /// All faults, in the order in which a game day tries them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// The fault's name on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// The fault in one sentence, as the command line's help has it.
    #[must_use]
    pub fn sentence(self) -> String {
        self.to_possible_value()
            .and_then(|value| value.get_help().map(ToString::to_string))
            .unwrap_or_default()
    }

    /// The alarms of which one has to ring.
    #[must_use]
    pub fn bell(self) -> Bell {
        Bell::OneOf(match self {
            Self::VendorKeyRevoked | Self::VendorKeyEmpty => &["breaker"],
            Self::VendorsAway => &["nothing-made", "assets-late-fast"],
            Self::AssetsRefused | Self::StorageAway => &["put-off", "nothing-made"],
            Self::DeadLettersRefused | Self::WrongTable | Self::TableAway => {
                &["nothing-taken", "records-fail", "function-errors"]
            }
            // A record whose item cannot be read is set aside, and its partition goes on.
            Self::FieldRenamed | Self::ClockFarAhead | Self::ItemCorrupted => &["dead-letters"],
            Self::Burst => return Bell::None,
            Self::TopicTooSmall | Self::TopicDeleted => &["nothing-published"],
            // What reads the index says at once that it cannot; the sweep needs it, too.
            Self::IndexDeleted => &["watch-stopped", "schedule-stopped", "function-errors"],
            Self::MappingDisabled => &["mapping-stopped", "nothing-taken"],
            Self::NoConcurrency => &["function-throttles", "schedule-stopped", "nothing-made"],
            Self::StartRefused => &["nothing-made", "put-off"],
            Self::ClockAhead => &["clock-ahead", "older-events"],
            Self::BrokerFrozen => &["nothing-taken", "nothing-published", "function-errors"],
            Self::ScheduleDisabled => &["schedule-stopped"],
            Self::WatchStopped => &["watch-stopped"],
        })
    }

    /// What is published while the fault is in.
    #[must_use]
    pub fn load(self) -> Load {
        match self {
            Self::Burst => Load::AtOnce(60),
            Self::VendorsAway | Self::NoConcurrency | Self::StartRefused => Load::Videos(3),
            Self::FieldRenamed => Load::Renamed(20),
            Self::ItemCorrupted => Load::Twice(Second::Later),
            Self::ClockAhead => Load::Twice(Second::First(240)),
            Self::ClockFarAhead => Load::Twice(Second::First(7200)),
            // Each is put off a few times a minute, and the alarm wants a hundred.
            Self::AssetsRefused | Self::StorageAway => Load::Posters(30),
            // Among them one that becomes a dead letter, or that the bucket has to take.
            Self::DeadLettersRefused => Load::Renamed(5),
            Self::VendorKeyRevoked
            | Self::VendorKeyEmpty
            | Self::TableAway
            | Self::TopicTooSmall
            | Self::TopicDeleted
            | Self::IndexDeleted
            | Self::WrongTable
            | Self::MappingDisabled
            | Self::BrokerFrozen
            | Self::ScheduleDisabled
            | Self::WatchStopped => Load::Posters(6),
        }
    }

    /// What cures what the fault left behind.
    #[must_use]
    pub fn cure(self) -> Cure {
        match self {
            Self::VendorKeyRevoked | Self::VendorKeyEmpty => Cure::CloseBreaker("openai"),
            Self::FieldRenamed
            | Self::DeadLettersRefused
            | Self::ClockAhead
            | Self::ClockFarAhead => Cure::SendAgain,
            Self::NoConcurrency => Cure::Resubmit,
            Self::VendorsAway
            | Self::AssetsRefused
            | Self::StorageAway
            | Self::TableAway
            | Self::Burst
            | Self::TopicTooSmall
            | Self::TopicDeleted
            | Self::IndexDeleted
            | Self::WrongTable
            | Self::MappingDisabled
            | Self::StartRefused
            | Self::BrokerFrozen
            | Self::ScheduleDisabled
            | Self::WatchStopped => Cure::None,
            Self::ItemCorrupted => Cure::Redrive,
        }
    }

    /// How long it takes until the stack is without what the fault takes away: a poller notices
    /// within seconds that its mapping is disabled, and takes what comes until then.
    #[must_use]
    pub fn takes_hold_after(self) -> Duration {
        if self == Self::MappingDisabled {
            Duration::from_secs(6)
        } else {
            Duration::ZERO
        }
    }

    /// Whether the fault is only what a producer sends.
    #[must_use]
    pub fn is_of_a_producer(self) -> bool {
        matches!(
            self,
            Self::FieldRenamed | Self::Burst | Self::ClockAhead | Self::ClockFarAhead
        )
    }

    /// Whether the fault needs Apache Kafka: the embedded broker has no such settings.
    #[must_use]
    pub fn needs_apache_kafka(self) -> bool {
        matches!(
            self,
            Self::TopicTooSmall | Self::TopicDeleted | Self::BrokerFrozen
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_and_a_sentence_of_its_own() {
        let names: BTreeSet<String> = Fault::all().map(Fault::name).collect();
        let sentences: BTreeSet<String> = Fault::all().map(Fault::sentence).collect();
        assert_eq!(names.len(), Fault::all().count());
        assert_eq!(sentences.len(), Fault::all().count());
        assert!(!names.contains("") && !sentences.contains(""));
    }

    #[test]
    fn a_fault_that_needs_apache_kafka_says_so_in_its_sentence() {
        for fault in Fault::all() {
            assert_eq!(
                fault.sentence().contains("--broker apache"),
                fault.needs_apache_kafka(),
                "{fault}"
            );
        }
    }

    #[test]
    fn a_fault_that_rings_names_at_least_one_bell() {
        for fault in Fault::all() {
            if let Bell::OneOf(bells) = fault.bell() {
                assert!(!bells.is_empty(), "{fault}");
            }
        }
    }
}
