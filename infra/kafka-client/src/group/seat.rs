//! The task of a member: it joins, and stays until the group rebalances.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use kafka_protocol::{
    error::ResponseError,
    messages::{
        HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest,
        join_group_request::JoinGroupRequestProtocol, join_group_response::JoinGroupResponseMember,
        sync_group_request::SyncGroupRequestAssignment,
    },
    protocol::StrBytes,
};
use tokio::{sync::mpsc, time::sleep};

use super::{
    Control,
    coordination::{Coordination, Session},
    round::Round,
    serve::serve,
    verdict::{Verdict, verdict},
    watch::{count, watch},
};
use crate::{
    Error,
    assign::{
        Partitions, Subscriber, decode_assignment, decode_subscription, encode_assignment,
        encode_subscription, range,
    },
    cluster::group_id,
    connection::{Connection, WITHIN},
    error::check,
    task::{Outages, Source, pause_after},
};

/// The protocol type that librdkafka's and Java's consumers send, too.
const PROTOCOL_TYPE: &str = "consumer";
const ASSIGNOR: &str = "range";

/// The versions of the group requests. librdkafka's mock broker announces newer ones but cannot
/// read them: they are "flexible" (KIP-482).
const JOIN: RangeInclusive<i16> = 1..=5;
const SYNC: RangeInclusive<i16> = 0..=3;
const HEARTBEATS: RangeInclusive<i16> = 0..=3;
/// Since this version, the answer to a join tells a static member that leads the group if the
/// assignment stays as it is (KIP-814). With an older version, such a member leads without knowing
/// it.
const SKIPS: i16 = 9;

const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long a join may take. The coordinator waits for the slowest of the other members, and
/// librdkafka's consumers allow themselves five minutes.
const JOIN_WITHIN: Duration = Duration::from_secs(310);

/// The task of a member.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) shared: Arc<Coordination>,
    pub(super) connection: Option<Connection>,
    pub(super) say: mpsc::UnboundedSender<Control>,
    pub(super) outages: Outages,
}

impl Seat {
    pub(super) async fn run(mut self) {
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
