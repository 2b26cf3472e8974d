//! A stage that is not `local`, with the real functions on a real Kafka that checks their tokens as
//! MSK does.

use std::{
    collections::BTreeMap, convert::Infallible, fs, net::SocketAddr, process::Command,
    time::Duration,
};

use contract::Topic;
use local::{
    bare::Bare,
    broker::{self, Broker, RunningBroker},
    checkout::Checkout,
    polling::Polling,
};

use super::{
    is_left_to_the_night,
    world::{STACK, STAGE, World, changed},
};
use crate::{
    harness::{environment_of, until},
    identity::Brokers,
};

/// Replaces the stubs with the built functions, without their debug information, and with what is
/// deployed beside them.
fn use_the_real_functions(world: &World, checkout: &Checkout) {
    for folder in fs::read_dir(world.path("target/lambda")).unwrap() {
        let folder = folder.unwrap();
        let function = folder.file_name().into_string().unwrap();
        let bootstrap = folder.path().join("bootstrap");
        let mut strip = Command::new("strip");
        strip
            .arg("-o")
            .arg(bootstrap)
            .arg(checkout.binaries.join(&function));
        assert!(strip.status().unwrap().success(), "{function}");
        let package = checkout.functions().join(&function).join("package");
        if package.exists() {
            // With the files that it links to.
            let mut copy = Command::new("cp");
            copy.arg("-RL").arg(package.join(".")).arg(folder.path());
            assert!(copy.status().unwrap().success(), "{function}");
        }
    }
}

/// A broker with all topics, which checks the functions' tokens.
async fn start_broker(brokers: &Brokers, checkout: &Checkout) -> RunningBroker {
    let options = broker::Options {
        port: None,
        pom: checkout.apache_kafka_pom(),
        installed: checkout.apache_kafka(),
        line: false,
        iam: Some(brokers.iam()),
    };
    let broker = Broker::Apache.start(&options).await.unwrap();
    let topics = Topic::ALL.map(Topic::as_str);
    broker.create_topics(&topics).await.unwrap();
    broker
}

/// The processes that reach AWS at this address: the functions of an emulator.
fn functions_at(aws: SocketAddr) -> Vec<u32> {
    let reaches = format!("AWS_ENDPOINT_URL=http://{aws}\0").into_bytes();
    let is_function = |process_id: &u32| {
        let environment = fs::read(format!("/proc/{process_id}/environ")).unwrap_or_default();
        let has = |part: &[u8]| environment.windows(part.len()).any(|some| some == part);
        has(&reaches) && has(b"AWS_LAMBDA_RUNTIME_API=")
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_function)
        .collect()
}

/// Has the brokers know the credentials of each function that runs, as MSK knows those of IAM.
async fn introduce(brokers: &Brokers, bare: &Bare) -> Infallible {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    loop {
        for process_id in functions_at(bare.proxy.address()) {
            let environment = environment_of(process_id);
            let secret = format!(
                "{} {}",
                environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
            );
            known.insert(environment["AWS_ACCESS_KEY_ID"].clone(), secret);
        }
        let pairs = known.iter();
        let pairs: Vec<(&str, &str)> = pairs.map(|(key, secret)| (&**key, &**secret)).collect();
        brokers.know(&pairs);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Polls the stack's mappings as soon as it is deployed.
async fn poll(world: &World, broker: &RunningBroker) -> Polling {
    until("the stack is deployed", async || {
        world.status().await.as_deref() == Some("CREATE_COMPLETE")
    })
    .await;
    Polling::start(&world.bare, STACK, broker).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_through_a_stage_that_infra_deploy_deployed() {
    if is_left_to_the_night() {
        return;
    }
    let (checkout, brokers) = (Checkout::find().unwrap(), Brokers::new());
    let broker = start_broker(&brokers, &checkout).await;
    let world = World::start().await;
    use_the_real_functions(&world, &checkout);
    let (bootstrap, roots) = broker.iam().unwrap();
    world.write_parameters(&changed(&[
        ("KafkaBootstrapServers", bootstrap),
        ("KafkaRootsPem", roots),
        ("ImageProviders", "studio-canvas"),
        ("ProviderSettings", ""),
    ]));
    // The emulator would name brokers that are not there. Without the right to ask for them, those
    // that are written count.
    world.refuse_all("kafka", "AccessDeniedException");
    let environment = [("YES", "1"), ("SMOKE_SECONDS", "180")];
    let (ran, polling) = tokio::select! {
        both = async { tokio::join!(world.run(&[STAGE], &environment, ""), poll(&world, &broker)) } => both,
        never = introduce(&brokers, &world.bare) => match never {},
    };
    ran.ended(
        0,
        &format!("{STACK} is deployed, and an event came through it"),
    );
    ran.said("you may not call aws kafka get-bootstrap-brokers");
    drop(polling);
}
