//! Creates topics.

use std::time::Duration;

use kafka_protocol::{
    error::ResponseError,
    messages::{CreateTopicsRequest, create_topics_request::CreatableTopic},
};

use super::{Cluster, brokers, no_leader, topic_name};
use crate::{Error, connection::WITHIN};

/// How long a broker may take to create topics, in milliseconds.
const MAKE_WITHIN_MS: i32 = 10_000;

impl Cluster {
    /// Creates topics, each with this number of partitions and replicas; -1 for either leaves the
    /// choice to the broker (KIP-464). A topic that exists is left as it is. On return, each
    /// partition has a leader.
    ///
    /// # Errors
    /// The cluster refuses to create a topic, or cannot be reached.
    pub async fn create_topics(
        &self,
        names: &[&str],
        partitions: i32,
        replication: i16,
    ) -> Result<(), Error> {
        let topic = |name: &&str| {
            let topic = CreatableTopic::default().with_name(topic_name(name));
            topic
                .with_num_partitions(partitions)
                .with_replication_factor(replication)
        };
        let topics = names.iter().map(topic).collect();
        let request = CreateTopicsRequest::default()
            .with_topics(topics)
            .with_timeout_ms(MAKE_WITHIN_MS);
        self.patiently(async || self.try_to_create(&request).await)
            .await?;
        self.patiently(async || {
            for name in names {
                let leaders = self.leaders_of(name).await;
                // The topic was created, so a broker that does not know it yet soon will.
                let led = leaders.is_ok_and(|leaders| {
                    !leaders.is_empty() && leaders.values().all(Option::is_some)
                });
                led.then_some(()).ok_or_else(|| no_leader(name))?;
            }
            Ok(())
        })
        .await
    }

    async fn try_to_create(&self, request: &CreateTopicsRequest) -> Result<(), Error> {
        let metadata = self.metadata(&[]).await?;
        let brokers = brokers(&metadata);
        // In KRaft mode the cluster names any broker here, and that broker forwards the request.
        let controller = brokers
            .get(&metadata.controller_id.0)
            .ok_or_else(|| Error::Refused {
                doing: "say which broker makes topics".to_owned(),
                code: ResponseError::NotController,
                said: None,
            })?;
        let within = WITHIN + Duration::from_millis(MAKE_WITHIN_MS.unsigned_abs().into());
        let answer = self
            .connection(controller)
            .await?
            .ask(request, 4..=6, within)
            .await?;
        for topic in answer.topics {
            match ResponseError::try_from_code(topic.error_code) {
                None | Some(ResponseError::TopicAlreadyExists) => {}
                Some(code) => {
                    let doing = format!("create the topic {}", topic.name.as_str());
                    return Err(Error::Refused {
                        doing,
                        code,
                        said: topic.error_message.map(|said| said.to_string()),
                    });
                }
            }
        }
        Ok(())
    }
}
