//! A member of a consumer group, as Kafka has had them from the start (the "classic" protocol),
//! with one topic.
//!
//! What the member does is a loop in a task: find the coordinator, join, learn what is assigned,
//! and then send heartbeats until the group changes. In each round all of the last one's fetching
//! is gone before anything is said of it.

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kafka_protocol::{
    error::ResponseError,
    messages::{
        HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
        OffsetCommitRequest, SyncGroupRequest, join_group_request::JoinGroupRequestProtocol,
        join_group_response::JoinGroupResponseMember, leave_group_request::MemberIdentity,
        sync_group_request::SyncGroupRequestAssignment,
    },
    protocol::StrBytes,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    At, Cluster, Error, Record,
    assign::{
        Partitions, Subscriber, decode_assignment, decode_subscription, encode_assignment,
        encode_subscription, range,
    },
    cluster::{commit, commit_request, group_id},
    connection::{Connection, WITHIN},
    error::check,
    fetch::{Fetching, Gates, Item, Items, Lost, Manner},
    task::{Outages, Source, Task, pause_after},
};

/// What librdkafka's and Java's consumers say they are, too.
const PROTOCOL_TYPE: &str = "consumer";
const ASSIGNOR: &str = "range";

/// The versions of the requests of a group. librdkafka's mock broker says that it speaks newer
/// ones, and cannot read them: they are "flexible" (KIP-482).
const JOIN: RangeInclusive<i16> = 1..=5;
const SYNC: RangeInclusive<i16> = 0..=3;
const HEARTBEATS: RangeInclusive<i16> = 0..=3;
const LEAVE: RangeInclusive<i16> = 0..=2;

/// Names a static member by its instance (KIP-345).
const LEAVE_STATIC: RangeInclusive<i16> = 3..=3;

/// The version of a join since which a static member that leads hears that the assignment stays
/// (KIP-814). Without it, it leads and does not know.
const SKIPS: i16 = 9;

const HEARTBEAT: Duration = Duration::from_secs(3);

/// How often the leader looks whether a topic has other partitions than those it assigned.
const LOOK: Duration = Duration::from_secs(2);

/// How long a join may take: a coordinator waits for the slowest of the others, and librdkafka's
/// consumers give themselves five minutes.
const JOIN_WITHIN: Duration = Duration::from_secs(310);

/// How long leaving may take, also where the broker is gone.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Where to begin in a partition for which the group has committed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// With the first record that is there.
    Earliest,
    /// With the next record that is written.
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

/// What a member is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The group.
    pub group: String,
    /// The topic that it reads. It may be made later.
    pub topic: String,
    /// What the broker's logs call it.
    pub client_id: String,
    /// Makes it a static member (KIP-345): if it is dropped and another of the same name joins
    /// before the session ends, that one is the same member.
    pub instance_id: Option<String>,
    /// Where to begin where the group has committed nothing.
    pub reset: Reset,
    /// After so long without a heartbeat the group goes on without it. 45 s as in librdkafka.
    pub session_timeout: Duration,
}

impl Options {
    /// As librdkafka's consumers are, but beginning with the first record.
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
    /// It reads these partitions from now on; there may be none. Each begins where the group has
    /// committed, else as [`Options::reset`] says.
    Assigned(Vec<i32>),
    /// It reads these partitions no more: they are those of the last `Assigned`. No record of them
    /// comes until they are assigned again.
    Revoked(Vec<i32>),
    /// A record, in the order of its partition.
    Record(Record),
    /// Something fails and is tried again; this is why. It is said once until all is well again.
    /// What was fetched still comes. A batch that cannot be read is said here too: of its partition
    /// nothing more comes.
    Trouble(String),
}

/// The right to commit, which a member has from one assignment to the next. The broker refuses a
/// commit by an earlier one, as soon as the next generation has begun.
#[derive(Debug, Clone)]
struct Session {
    member: String,
    generation: i32,
}

/// What a member's task says of the group.
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
    /// Is none when nothing more comes of it.
    items: Option<Items>,
}

/// A member of a group. Dropping it stops all at once and tells the broker nothing: the group goes
/// on without it when the session ends. [`Member::leave`] tells it.
#[derive(Debug)]
pub struct Member {
    controls: mpsc::UnboundedReceiver<Control>,
    troubles: mpsc::UnboundedReceiver<String>,
    assigned: Option<Assigned>,
    shared: Arc<Shared>,
    task: Task,
}

/// What the member, its task and its committers know.
#[derive(Debug)]
struct Shared {
    cluster: Cluster,
    options: Options,
    topic: Arc<str>,
    /// What the coordinator calls the member; empty if it does not know it.
    member: Mutex<String>,
    /// Where the coordinator was last, as host:port.
    coordinator: Mutex<Option<String>>,
}

impl Member {
    /// Begins to join. What comes of it is said by [`Member::next`]. Must be called in a tokio
    /// runtime.
    #[must_use]
    pub fn join(cluster: &Cluster, options: Options) -> Self {
        let (say, controls) = mpsc::unbounded_channel();
        let (outages, troubles) = Outages::new();
        let topic = options.topic.as_str().into();
        let cluster = cluster.within(Duration::ZERO);
        let (member, coordinator) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared {
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

    /// What happens next. Waits until something does. It may be dropped at any time, and loses
    /// nothing then.
    pub async fn next(&mut self) -> Event {
        loop {
            // In this order: what was fetched before a revocation is not shown after it.
            tokio::select! {
                biased;
                Some(control) = self.controls.recv() => return self.change(control),
                Some(trouble) = self.troubles.recv() => return Event::Trouble(trouble),
                item = fetched(self.assigned.as_mut()) => match item {
                    Some(item) => return show(item),
                    // The fetching ended with the assignment, and its revocation is about to come;
                    // or no partition is left to read.
                    None => self.assigned.iter_mut().for_each(|assigned| assigned.items = None),
                },
            }
        }
    }

    /// What has happened already, if something has.
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

    /// Fetches no more of a partition until it is resumed or assigned anew. Records that were
    /// fetched before may still come.
    pub fn pause(&self, partition: i32) {
        self.set_paused(partition, true);
    }

    /// Fetches a paused partition again, where it was left.
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

    /// A handle to commit with, for as long as the partitions that were assigned last.
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

    /// As [`Committer::commit`], with what is assigned now.
    pub fn commit(
        &self,
        offsets: BTreeMap<i32, i64>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        self.committer().commit(offsets)
    }

    /// Leaves the group, a static member too, so that the others get its partitions at once.
    /// Returns within 2 s, also if no broker answers.
    pub async fn leave(self) {
        // First, so that the heartbeats do not join again.
        self.task.stop();
        let _ = timeout(LEAVE_WITHIN, self.shared.leave()).await;
    }
}

/// The next of what was fetched. Waits forever without an assignment.
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

/// Commits for a member, for as long as the assignment during which it was made.
#[derive(Debug, Clone)]
pub struct Committer {
    shared: Arc<Shared>,
    session: Option<Session>,
}

impl Committer {
    /// Commits where the group goes on: for each partition the offset after the last record that is
    /// done. Borrows nothing, and does nothing until it is polled.
    ///
    /// # Errors
    /// Any error, once: it is not tried again. `IllegalGeneration`, `UnknownMemberId` and
    /// `RebalanceInProgress` say that the assignment is over.
    pub fn commit(
        &self,
        offsets: BTreeMap<i32, i64>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let this = self.clone();
        async move {
            let Shared { options, .. } = &*this.shared;
            let request = commit_request(&options.group, &options.topic, &offsets);
            let Some(Session { member, generation }) = this.session else {
                let doing = format!(
                    "commit for the group {} while nothing is assigned",
                    options.group
                );
                return Err(Error::Refused {
                    doing,
                    code: ResponseError::RebalanceInProgress,
                    said: None,
                });
            };
            let request = request
                .with_generation_id_or_member_epoch(generation)
                .with_member_id(StrBytes::from_string(member))
                .with_group_instance_id(this.shared.instance());
            let committed = this.shared.commit(&request).await;
            if committed.is_err() {
                this.shared.forget_coordinator();
            }
            committed
        }
    }
}

impl Shared {
    fn instance(&self) -> Option<StrBytes> {
        self.options.instance_id.clone().map(StrBytes::from_string)
    }

    fn member(&self) -> StrBytes {
        StrBytes::from_string(
            self.member
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }

    fn set_member(&self, id: &str) {
        id.clone_into(&mut self.member.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn forget_coordinator(&self) {
        *self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Where the coordinator is, as far as is known, or as a broker says.
    async fn coordinator(&self) -> Result<String, Error> {
        let known = self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.cluster.coordinator(&self.options.group).await?;
        *self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// By the connection that all share: a member's own is busy while it joins.
    async fn commit(&self, request: &OffsetCommitRequest) -> Result<(), Error> {
        let coordinator = self.cluster.connection(&self.coordinator().await?).await?;
        commit(&coordinator, request).await
    }

    async fn leave(&self) -> Result<(), Error> {
        let (group, member, instance) = (
            group_id(&self.options.group),
            self.member(),
            self.instance(),
        );
        if member.is_empty() && instance.is_none() {
            return Ok(());
        }
        let coordinator = self.cluster.connection(&self.coordinator().await?).await?;
        let request = LeaveGroupRequest::default().with_group_id(group);
        let answer = match instance {
            None => {
                coordinator
                    .ask(&request.with_member_id(member), LEAVE, LEAVE_WITHIN)
                    .await?
            }
            Some(_) => {
                let identity = MemberIdentity::default()
                    .with_member_id(member)
                    .with_group_instance_id(instance);
                coordinator
                    .ask(
                        &request.with_members(vec![identity]),
                        LEAVE_STATIC,
                        LEAVE_WITHIN,
                    )
                    .await?
            }
        };
        check(answer.error_code, || {
            format!("let this client leave the group {}", self.options.group)
        })
    }
}

/// A member's task.
#[derive(Debug)]
struct Seat {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    say: mpsc::UnboundedSender<Control>,
    outages: Outages,
}

/// A round of the group, of which this is a member.
#[derive(Debug)]
struct Round {
    session: Session,
    partitions: Vec<i32>,
    /// The leader has how many partitions each topic of the group had; the others have none.
    watched: BTreeMap<String, i32>,
}

/// What an error of the coordinator's means for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The group changes: it joins again, as the same.
    Rejoin,
    /// The coordinator does not know it any more: it joins as another.
    Anew,
    /// Another has taken the static member's name. It joins as another, after a while: the other
    /// may be about to end.
    Fenced,
    /// The coordinator is gone or moved: it is looked for.
    Lost,
}

fn verdict(error: &Error) -> Verdict {
    match error.code() {
        // With an old generation it may still be known. As another it would have the group wait for
        // the one that it was.
        Some(ResponseError::RebalanceInProgress | ResponseError::IllegalGeneration) => {
            Verdict::Rejoin
        }
        Some(ResponseError::UnknownMemberId) => Verdict::Anew,
        Some(ResponseError::FencedInstanceId) => Verdict::Fenced,
        _ => Verdict::Lost,
    }
}

impl Seat {
    async fn run(mut self) {
        loop {
            let round = self.enter().await;
            let shown = AtomicBool::new(false);
            self.stay(&round, &shown).await;
            if shown.into_inner() {
                let _ = self.say.send(Control::Revoked(round.partitions));
            }
        }
    }

    /// Joins, for as long as it takes.
    async fn enter(&mut self) -> Round {
        for tries in 1.. {
            match self.try_to_enter().await {
                Ok(round) => {
                    self.outages.is_well(Source::Group);
                    return round;
                }
                Err(error) => {
                    let verdict = verdict(&error);
                    self.take_in(verdict, error);
                    if matches!(verdict, Verdict::Fenced | Verdict::Lost) || tries > 3 {
                        sleep(pause_after(tries)).await;
                    }
                }
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// What an error changes in what is known.
    fn take_in(&mut self, verdict: Verdict, error: Error) {
        match verdict {
            Verdict::Rejoin => {}
            Verdict::Anew => self.shared.set_member(""),
            Verdict::Fenced => {
                self.shared.set_member("");
                self.outages.fails(Source::Group, error);
            }
            Verdict::Lost => {
                self.connection = None;
                self.shared.forget_coordinator();
                self.outages.fails(Source::Group, error);
            }
        }
    }

    async fn connection(&mut self) -> Result<&Connection, Error> {
        let connection = match self.connection.take().filter(Connection::is_open) {
            Some(connection) => connection,
            None => {
                Connection::open(
                    &self.shared.coordinator().await?,
                    &self.shared.options.client_id,
                )
                .await?
            }
        };
        Ok(self.connection.insert(connection))
    }

    async fn try_to_enter(&mut self) -> Result<Round, Error> {
        let joined = self.send_join().await?;
        let session = Session {
            member: joined.member_id.to_string(),
            generation: joined.generation_id,
        };
        let mut watched = BTreeMap::new();
        let mut assignments = BTreeMap::new();
        if joined.leader == joined.member_id {
            let subscribers = subscribers(&joined, self.shared.options.group.as_str())?;
            watched = count(
                &self.shared.cluster,
                subscribers.iter().flat_map(|subscriber| &subscriber.topics),
            )
            .await?;
            // A static member that comes back leads a group whose assignment stays (KIP-814).
            if !joined.skip_assignment {
                assignments = range(&subscribers, &watched);
            }
        }
        let assigned = self.send_sync(&session, &assignments).await?;
        let partitions = assigned
            .get(&self.shared.options.topic)
            .cloned()
            .unwrap_or_default();
        Ok(Round {
            session,
            partitions,
            watched,
        })
    }

    async fn send_join(&mut self) -> Result<JoinGroupResponse, Error> {
        let shared = Arc::clone(&self.shared);
        let options = &shared.options;
        let milliseconds =
            |duration: Duration| i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        let metadata =
            encode_subscription(&options.topic).map_err(|what| own(&options.group, what))?;
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str(ASSIGNOR))
            .with_metadata(metadata);
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(&options.group))
            .with_session_timeout_ms(milliseconds(options.session_timeout))
            .with_rebalance_timeout_ms(milliseconds(options.session_timeout))
            .with_group_instance_id(shared.instance())
            .with_protocol_type(StrBytes::from_static_str(PROTOCOL_TYPE))
            .with_protocols(vec![protocol]);
        loop {
            let request = request.clone().with_member_id(shared.member());
            let connection = self.connection().await?;
            let versions = if connection.speaks::<JoinGroupRequest>(SKIPS) {
                SKIPS..=SKIPS
            } else {
                JOIN
            };
            let joined = connection.ask(&request, versions, JOIN_WITHIN).await?;
            if ResponseError::try_from_code(joined.error_code)
                == Some(ResponseError::MemberIdRequired)
            {
                // KIP-394: it is given a name first, so that one that asks again is known to be the
                // same.
                shared.set_member(&joined.member_id);
                continue;
            }
            check(joined.error_code, || {
                format!("let this client join the group {}", options.group)
            })?;
            shared.set_member(&joined.member_id);
            return Ok(joined);
        }
    }

    async fn send_sync(
        &mut self,
        session: &Session,
        assignments: &BTreeMap<String, Partitions>,
    ) -> Result<Partitions, Error> {
        let shared = Arc::clone(&self.shared);
        let group = &shared.options.group;
        let assignment = |(member, partitions): (&String, &Partitions)| {
            let member = StrBytes::from_string(member.clone());
            let bytes = encode_assignment(partitions).map_err(|what| own(group, what))?;
            Ok(SyncGroupRequestAssignment::default()
                .with_member_id(member)
                .with_assignment(bytes))
        };
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(group))
            .with_generation_id(session.generation)
            .with_member_id(StrBytes::from_string(session.member.clone()))
            .with_group_instance_id(shared.instance())
            .with_protocol_type(Some(StrBytes::from_static_str(PROTOCOL_TYPE)))
            .with_protocol_name(Some(StrBytes::from_static_str(ASSIGNOR)))
            .with_assignments(
                assignments
                    .iter()
                    .map(assignment)
                    .collect::<Result<_, Error>>()?,
            );
        let synced = self
            .connection()
            .await?
            .ask(&request, SYNC, JOIN_WITHIN)
            .await?;
        check(synced.error_code, || {
            format!("assign partitions in the group {group}")
        })?;
        decode_assignment(synced.assignment).map_err(|what| own(group, what))
    }

    /// Is a member until the round is over.
    async fn stay(&mut self, round: &Round, shown: &AtomicBool) {
        let serves = serve(
            Arc::clone(&self.shared),
            self.outages.clone(),
            self.say.clone(),
            round,
            shown,
        );
        let watches = watch(
            self.shared.cluster.clone(),
            self.outages.clone(),
            &round.watched,
        );
        tokio::select! {
            () = self.beat(&round.session) => {}
            () = watches => {}
            () = serves => {}
        }
        self.outages.is_well(Source::Start);
        self.outages.is_well(Source::Topics);
        self.outages.is_well(Source::Fetch);
    }

    /// Heartbeats, until the coordinator says that the round is over. While it is gone it is looked
    /// for, and the fetching goes on.
    async fn beat(&mut self, session: &Session) {
        let mut tries = 0;
        loop {
            let pause = if tries == 0 {
                HEARTBEAT.min(self.shared.options.session_timeout / 3)
            } else {
                pause_after(tries)
            };
            sleep(pause).await;
            match self.send_heartbeat(session).await {
                Ok(()) => {
                    tries = 0;
                    self.outages.is_well(Source::Group);
                }
                Err(error) => {
                    let verdict = verdict(&error);
                    self.take_in(verdict, error);
                    if verdict != Verdict::Lost {
                        return;
                    }
                    tries += 1;
                }
            }
        }
    }

    async fn send_heartbeat(&mut self, session: &Session) -> Result<(), Error> {
        let request = HeartbeatRequest::default()
            .with_group_id(group_id(&self.shared.options.group))
            .with_generation_id(session.generation)
            .with_member_id(StrBytes::from_string(session.member.clone()))
            .with_group_instance_id(self.shared.instance());
        let answer = self
            .connection()
            .await?
            .ask(&request, HEARTBEATS, WITHIN)
            .await?;
        check(answer.error_code, || {
            format!(
                "keep this client in the group {}",
                self.shared.options.group
            )
        })
    }
}

/// Fetches what is assigned, for as long as it is polled.
async fn serve(
    shared: Arc<Shared>,
    outages: Outages,
    say: mpsc::UnboundedSender<Control>,
    round: &Round,
    shown: &AtomicBool,
) {
    let mut begin = BTreeMap::new();
    for tries in 1.. {
        match begins(&shared, &round.partitions).await {
            Ok(found) => {
                begin = found;
                break;
            }
            Err(error) => {
                outages.fails(Source::Start, error);
                sleep(pause_after(tries)).await;
            }
        }
    }
    outages.is_well(Source::Start);
    outages.is_well(Source::Fetch);
    let Options {
        client_id, reset, ..
    } = shared.options.clone();
    let manner = Manner {
        client_id,
        wait: shared.cluster.fetch_wait(),
        lost: Lost::To(reset.at()),
    };
    let begin = begin
        .into_iter()
        .map(|(partition, offset)| ((Arc::clone(&shared.topic), partition), offset))
        .collect();
    let (_task, gates, items) = Fetching::start(&shared.cluster, manner, begin, outages);
    let assigned = Assigned {
        partitions: round.partitions.clone(),
        session: round.session.clone(),
        gates,
        items: Some(items),
    };
    shown.store(true, Ordering::Release);
    let _ = say.send(Control::Assigned(assigned));
    pending().await
}

/// Where each partition begins: as committed, else as the reset says.
async fn begins(shared: &Shared, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, Error> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Shared {
        cluster, options, ..
    } = shared;
    let mut begins = cluster.committed(&options.group, &options.topic).await?;
    if !partitions
        .iter()
        .all(|partition| begins.contains_key(partition))
    {
        for (partition, offset) in cluster.offsets(&options.topic, options.reset.at()).await? {
            begins.entry(partition).or_insert(offset);
        }
    }
    begins.retain(|partition, _| partitions.contains(partition));
    if begins.len() < partitions.len() {
        return Err(crate::cluster::no_leader(&options.topic));
    }
    Ok(begins)
}

/// Ends when a topic has another number of partitions than it had. Only a leader's new join makes a
/// group assign anew, so only it looks.
async fn watch(cluster: Cluster, outages: Outages, counts: &BTreeMap<String, i32>) {
    if counts.is_empty() {
        return pending().await;
    }
    loop {
        sleep(LOOK).await;
        match count(&cluster, counts.keys()).await {
            Ok(now) if now != *counts => return,
            Ok(_) => outages.is_well(Source::Topics),
            Err(error) => outages.fails(Source::Topics, error),
        }
    }
}

/// How many partitions each of these topics has. One that is not there has none.
async fn count(
    cluster: &Cluster,
    topics: impl Iterator<Item = &String>,
) -> Result<BTreeMap<String, i32>, Error> {
    let mut counts = BTreeMap::new();
    for topic in topics {
        if counts.contains_key(topic) {
            continue;
        }
        let count = match cluster.leaders_of(topic).await {
            Ok(leaders) => i32::try_from(leaders.len()).unwrap_or(i32::MAX),
            Err(Error::UnknownTopic(_)) => 0,
            Err(error) => return Err(error),
        };
        counts.insert(topic.clone(), count);
    }
    Ok(counts)
}

fn subscribers(joined: &JoinGroupResponse, group: &str) -> Result<Vec<Subscriber>, Error> {
    let subscriber = |member: &JoinGroupResponseMember| {
        Ok(Subscriber {
            id: member.member_id.to_string(),
            instance: member.group_instance_id.as_ref().map(ToString::to_string),
            topics: decode_subscription(member.metadata.clone())
                .map_err(|what| own(group, what))?,
        })
    };
    joined.members.iter().map(subscriber).collect()
}

/// What a member says to the others passes through the coordinator unread.
fn own(group: &str, what: String) -> Error {
    Error::Protocol {
        address: format!("of the group {group}"),
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: ResponseError) -> Error {
        Error::Refused {
            doing: String::new(),
            code,
            said: None,
        }
    }

    #[test]
    fn what_an_error_means_for_a_member() {
        assert_eq!(
            verdict(&refused(ResponseError::RebalanceInProgress)),
            Verdict::Rejoin
        );
        assert_eq!(
            verdict(&refused(ResponseError::UnknownMemberId)),
            Verdict::Anew
        );
        assert_eq!(
            verdict(&refused(ResponseError::IllegalGeneration)),
            Verdict::Rejoin
        );
        assert_eq!(
            verdict(&refused(ResponseError::FencedInstanceId)),
            Verdict::Fenced
        );
        assert_eq!(
            verdict(&refused(ResponseError::NotCoordinator)),
            Verdict::Lost
        );
        assert_eq!(
            verdict(&Error::TimedOut {
                address: String::new(),
                after: WITHIN
            }),
            Verdict::Lost
        );
    }
}
