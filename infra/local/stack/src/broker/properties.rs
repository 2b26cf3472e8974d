//! The properties file of Apache Kafka.

use std::path::Path;

use super::iam::Listener;

/// A listener for clients that come through a line: its port, and the port that it advertises.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByLine {
    pub port: u16,
    pub advertised: u16,
}

/// The broker's properties. The session timeout is short, because a killed broker cannot register
/// again before its old session has ended.
pub(super) fn properties(
    port: u16,
    by_line: Option<ByLine>,
    iam: Option<&Listener>,
    controller: u16,
    folder: &Path,
) -> String {
    let at = |port: u16| format!(",LINE://127.0.0.1:{port}");
    let (line, line_advertised) = by_line
        .map(|line| (at(line.port), at(line.advertised)))
        .unwrap_or_default();
    let (iam_listener, iam_properties) = iam
        .map(|listener| (listener.address(), listener.properties()))
        .unwrap_or_default();
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{line}{iam_listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{line_advertised}{iam_listener}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINE:PLAINTEXT,IAM:SASL_SSL
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
{iam_properties}",
        data = folder.join("data").display()
    )
}
