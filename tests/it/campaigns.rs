//! Campaigns, and who makes their media: the vendors' jobs of the tests.

use contract::Topic;
use local::deploy::Providers;
use serde_json::{Value, json};

use crate::harness::example;

/// The providers of each kind of media but voices; empty for none.
pub fn providers(image: &str, video: &str, audio: &str) -> Providers {
    Providers {
        image: image.to_owned(),
        video: video.to_owned(),
        audio: audio.to_owned(),
        voice: String::new(),
    }
}

/// A campaign of `tenant` that asks for these assets only.
pub fn campaign(tenant: &str, assets: &[&str]) -> Value {
    let mut event = example(Topic::CampaignLaunched, tenant, tenant);
    event["data"]["campaignId"] = json!(tenant);
    event["data"]["assets"] = json!(assets);
    event
}
