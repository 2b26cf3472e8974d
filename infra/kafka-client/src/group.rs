//! A member of a consumer group that reads one topic. It uses Kafka's original group protocol
//! ("classic").
//!
//! The member runs a loop in a task: it finds the coordinator, joins, receives its assignment, and
//! then sends heartbeats until the group rebalances. Each round stops all its fetching before the
//! member reports the revocation.

mod committer;
mod coordination;
mod round;
mod seat;
mod serve;
mod verdict;
mod watch;

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

pub use committer::Committer;
use coordination::{Coordination, LEAVE_WITHIN, Session};
use seat::Seat;

use crate::{
    At, Cluster, Error, Record,
    fetch::{Gates, Item, Items},
    task::{Outages, Task},
};

/// Where to begin in a partition for which the group has committed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At the first record that still exists.
    Earliest,
    /// At the next record that is written.
    Latest,
}

impl Reset {
    fn at(self) -> At {
        match self {
            Self::Earliest => At::Earliest,
            Self::Latest => At::Latest,
        }
    }
}

/// The settings of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The group's id.
    pub group: String,
    /// The topic to read. It may be created later.
    pub topic: String,
    /// The client id in the broker's logs.
    pub client_id: String,
    /// Makes this a static member (KIP-345). If it is dropped and another member with the same
    /// instance id joins before the session times out, the group treats both as the same member.
    pub instance_id: Option<String>,
    /// Where to begin in a partition without a committed offset.
    pub reset: Reset,
    /// The group goes on without the member after this time without a heartbeat. The default is 45
    /// s, as in librdkafka.
    pub session_timeout: Duration,
}

impl Options {
    /// librdkafka's defaults, except that the member begins with the first record.
    #[must_use]
    pub fn new(group: &str, topic: &str) -> Self {
        Self {
            group: group.to_owned(),
            topic: topic.to_owned(),
            client_id: crate::connection::CLIENT_ID.to_owned(),
            instance_id: None,
            reset: Reset::Earliest,
            session_timeout: Duration::from_secs(45),
        }
    }
}

/// What happens to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The member now reads these partitions; the list may be empty. Each partition begins at its
    /// committed offset, or else where [`Options::reset`] says.
    Assigned(Vec<i32>),
    /// The member no longer reads these partitions, which are those of the last `Assigned`. None of
    /// their records arrives until they are assigned again.
    Revoked(Vec<i32>),
    /// A record. The records of one partition arrive in order.
    Record(Record),
    /// Something fails and is being retried; this is the reason. An outage is reported once, until
    /// everything has recovered. Records that were already fetched still arrive. A batch that
    /// cannot be read is reported here, too: no more records of its partition arrive.
    Trouble(String),
}

/// What a member's task reports about the group.
#[derive(Debug)]
enum Control {
    Assigned(Assigned),
    Revoked(Vec<i32>),
}

#[derive(Debug)]
struct Assigned {
    partitions: Vec<i32>,
    session: Session,
    gates: Gates,
    /// `None` once no more records can come from this assignment.
    items: Option<Items>,
}

/// A member of a group. Dropping it stops everything at once without a message to the broker: the
/// group goes on without the member when the session times out. [`Member::leave`] informs the
/// group.
#[derive(Debug)]
pub struct Member {
    controls: mpsc::UnboundedReceiver<Control>,
    troubles: mpsc::UnboundedReceiver<String>,
    assigned: Option<Assigned>,
    shared: Arc<Coordination>,
    task: Task,
}

impl Member {
    /// Starts to join the group. [`Member::next`] reports the progress. Must be called in a tokio
    /// runtime.
    #[must_use]
    pub fn join(cluster: &Cluster, options: Options) -> Self {
        let (say, controls) = mpsc::unbounded_channel();
        let (outages, troubles) = Outages::new();
        let topic = options.topic.as_str().into();
        let cluster = cluster.within(Duration::ZERO);
        let (member, coordinator) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Coordination {
            cluster,
            options,
            topic,
            member,
            coordinator,
        });
        let seat = Seat {
            shared: Arc::clone(&shared),
            connection: None,
            say,
            outages,
        };
        Self {
            controls,
            troubles,
            assigned: None,
            shared,
            task: Task::spawn(seat.run()),
        }
    }

    /// Waits for the next event. The future may be dropped at any time without losing an event.
    pub async fn next(&mut self) -> Event {
        loop {
            // The order matters: a revocation goes before the records that were fetched before it.
            tokio::select! {
                biased;
                Some(control) = self.controls.recv() => return self.change(control),
                Some(trouble) = self.troubles.recv() => return Event::Trouble(trouble),
                item = fetched(self.assigned.as_mut()) => match item {
                    Some(item) => return show(item),
                    // Either the fetching ended with the assignment, whose revocation follows soon,
                    // or no partition is left to read.
                    None => self.assigned.iter_mut().for_each(|assigned| assigned.items = None),
                },
            }
        }
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        if let Ok(control) = self.controls.try_recv() {
            return Some(self.change(control));
        }
        if let Ok(trouble) = self.troubles.try_recv() {
            return Some(Event::Trouble(trouble));
        }
        self.assigned
            .as_mut()?
            .items
            .as_mut()?
            .try_recv()
            .ok()
            .map(show)
    }

    fn change(&mut self, control: Control) -> Event {
        match control {
            Control::Assigned(assigned) => {
                Event::Assigned(self.assigned.insert(assigned).partitions.clone())
            }
            Control::Revoked(partitions) => {
                self.assigned = None;
                Event::Revoked(partitions)
            }
        }
    }

    /// Stops fetching a partition until it is resumed or assigned again. Records that were fetched
    /// before may still arrive.
    pub fn pause(&self, partition: i32) {
        self.set_paused(partition, true);
    }

    /// Fetches a paused partition again, from where it stopped.
    pub fn resume(&self, partition: i32) {
        self.set_paused(partition, false);
    }

    fn set_paused(&self, partition: i32, paused: bool) {
        if let Some(assigned) = &self.assigned {
            assigned
                .gates
                .pause(&(Arc::clone(&self.shared.topic), partition), paused);
        }
    }

    /// A handle that can commit until the current assignment ends.
    #[must_use]
    pub fn committer(&self) -> Committer {
        let session = self
            .assigned
            .as_ref()
            .map(|assigned| assigned.session.clone());
        Committer {
            shared: Arc::clone(&self.shared),
            session,
        }
    }

    /// As [`Committer::commit`], for the current assignment.
    pub fn commit(
        &self,
        offsets: BTreeMap<i32, i64>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        self.committer().commit(offsets)
    }

    /// Leaves the group, so that the other members get its partitions at once. A static member
    /// leaves, too. Returns within 2 s, even if no broker answers.
    pub async fn leave(self) {
        // The task must stop first, or it would join again.
        self.task.stop();
        let _ = timeout(LEAVE_WITHIN, self.shared.leave()).await;
    }
}

/// The next fetched item. Without an assignment it waits forever.
async fn fetched(assigned: Option<&mut Assigned>) -> Option<Item> {
    match assigned.and_then(|assigned| assigned.items.as_mut()) {
        Some(items) => items.recv().await,
        None => pending().await,
    }
}

fn show(item: Item) -> Event {
    match item {
        Item::Record(parcel) => Event::Record(parcel.take()),
        Item::Stuck(error) => Event::Trouble(error.to_string()),
    }
}
