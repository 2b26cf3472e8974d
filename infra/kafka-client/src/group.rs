//! A member of a consumer group that reads one topic. It uses Kafka's original group protocol
//! ("classic").
//!
//! The member runs a loop in a task: it finds the coordinator, joins, receives its assignment, and
//! then sends heartbeats until the group rebalances. Each round stops all its fetching before the
//! member reports the revocation.

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

/// The protocol type that librdkafka's and Java's consumers send, too.
const PROTOCOL_TYPE: &str = "consumer";
const ASSIGNOR: &str = "range";

/// The versions of the group requests. librdkafka's mock broker announces newer ones but cannot
/// read them: they are "flexible" (KIP-482).
const JOIN: RangeInclusive<i16> = 1..=5;
const SYNC: RangeInclusive<i16> = 0..=3;
const HEARTBEATS: RangeInclusive<i16> = 0..=3;
const LEAVE: RangeInclusive<i16> = 0..=2;

/// This version names a static member by its instance id (KIP-345).
const LEAVE_STATIC: RangeInclusive<i16> = 3..=3;

/// Since this version, the answer to a join tells a static member that leads the group if the
/// assignment stays as it is (KIP-814). With an older version, such a member leads without knowing
/// it.
const SKIPS: i16 = 9;

const HEARTBEAT: Duration = Duration::from_secs(3);

/// How often the leader checks whether a topic's partition count has changed since the assignment.
const LOOK: Duration = Duration::from_secs(2);

/// How long a join may take. The coordinator waits for the slowest of the other members, and
/// librdkafka's consumers allow themselves five minutes.
const JOIN_WITHIN: Duration = Duration::from_secs(310);

/// How long leaving may take, even when the broker is gone.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

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

/// The right to commit, which a member has from one assignment to the next. Once the next
/// generation has begun, the broker refuses commits from an earlier one.
#[derive(Debug, Clone)]
struct Session {
    member: String,
    generation: i32,
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
    shared: Arc<Shared>,
    task: Task,
}

/// The state that a member shares with its task and its committers.
#[derive(Debug)]
struct Shared {
    cluster: Cluster,
    options: Options,
    topic: Arc<str>,
    /// The member id from the coordinator. It is empty while the coordinator does not know the
    /// member.
    member: Mutex<String>,
    /// The last known address of the coordinator, as host:port.
    coordinator: Mutex<Option<String>>,
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

/// Commits offsets for a member, as long as the assignment lasts under which it was made.
#[derive(Debug, Clone)]
pub struct Committer {
    shared: Arc<Shared>,
    session: Option<Session>,
}

impl Committer {
    /// Commits where the group continues: for each partition, the offset after the last processed
    /// record. The future borrows nothing, and does nothing until it is polled.
    ///
    /// # Errors
    /// Any error, after a single try. `IllegalGeneration`, `UnknownMemberId` and
    /// `RebalanceInProgress` mean that the assignment is over.
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

    /// The coordinator's address: the last known one, or else the one that a broker names.
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

    /// Uses the shared connection, because the member's own connection is busy during a join.
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

/// The task of a member.
#[derive(Debug)]
struct Seat {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    say: mpsc::UnboundedSender<Control>,
    outages: Outages,
}

/// One generation of the group, with this member in it.
#[derive(Debug)]
struct Round {
    session: Session,
    partitions: Vec<i32>,
    /// On the leader, the partition count of each topic that the group reads. Empty on all other
    /// members.
    watched: BTreeMap<String, i32>,
}

/// How the member reacts to an error from the coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The group rebalances: join again with the same member id.
    Rejoin,
    /// The coordinator no longer knows the member: join with a new member id.
    Anew,
    /// Another client has taken the static member's instance id. Join as a new member after a
    /// pause, because the other client may be about to end.
    Fenced,
    /// The coordinator is gone or has moved: look it up again.
    Lost,
}

fn verdict(error: &Error) -> Verdict {
    match error.code() {
        // The coordinator may still know a member with an old generation. If it joined with a new
        // member id, the group would wait for the old one.
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

    /// Joins the group, with retries for as long as it takes.
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

    /// Forgets what an error has made obsolete.
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
            // A returning static member leads a group whose assignment does not change (KIP-814).
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
                // KIP-394: the coordinator assigns a member id first, so that it recognises the
                // member when it repeats the request.
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

    /// Stays a member until the round is over.
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

    /// Sends heartbeats until the coordinator ends the round. While the coordinator is gone, this
    /// looks for it, and the fetching continues.
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

/// Reports the assignment and fetches its partitions, for as long as the future is polled.
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

/// Where each partition begins: at its committed offset, or else where the reset says.
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

/// Ends when the partition count of a topic changes. Only the leader watches, because only its new
/// join makes the group assign partitions again.
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

/// The partition count of each topic. A topic that does not exist has 0.
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

/// An error in what a member sent to the others. The coordinator passes it on without reading it.
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
    fn each_coordinator_error_has_its_verdict() {
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
