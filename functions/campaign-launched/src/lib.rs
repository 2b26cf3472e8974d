//! Describes `eventzr.campaign.launched.v1`: a campaign gets banners and posts, and a video or an
//! audio spot if its channels include those.

use std::collections::BTreeMap;

use contract::{
    AssetKind, CampaignLaunched, Channel, Configuration, Entity, EntityKind, MediaType, Topic,
};
use domain::Description;

/// The description of a launched campaign and the assets to make.
#[must_use]
pub fn describe(campaign: CampaignLaunched) -> Description {
    let runs_in = |channel| campaign.channels.contains(&channel);
    let asked_for = |kind: &AssetKind| match kind.media_type() {
        MediaType::Image => true,
        MediaType::Video => runs_in(Channel::Video),
        MediaType::Audio => runs_in(Channel::Audio),
    };
    let by_channels = || {
        AssetKind::made_for(Topic::CampaignLaunched)
            .iter()
            .copied()
            .filter(asked_for)
            .collect()
    };
    let assets = campaign.assets.unwrap_or_else(by_channels);
    Description {
        tenant: campaign.tenant_id,
        user: campaign.user_id,
        entity: Entity {
            kind: EntityKind::Campaign,
            id: campaign.campaign_id,
        },
        version: campaign.version,
        configuration: Configuration {
            description: campaign.description,
            starts_at: campaign.starts_at,
            ends_at: campaign.ends_at,
            time_zone: campaign.time_zone,
            locale: campaign.locale,
            venue: campaign.venue,
            organizer: campaign.advertiser,
            label: campaign.offer,
            call_to_action: campaign.call_to_action,
            brand: campaign.brand,
            voice_model_id: campaign.voice_model_id,
            ..Configuration::titled(campaign.headline)
        },
        translations: BTreeMap::new(),
        assets,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn assets(changes: &Value) -> Vec<&'static str> {
        let mut campaign = json!({ "tenantId": "t", "campaignId": "c", "headline": "Sale" });
        campaign
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let described = describe(serde_json::from_value(campaign).unwrap());
        described
            .assets
            .into_iter()
            .map(AssetKind::as_str)
            .collect()
    }

    #[test]
    fn a_video_and_a_spot_are_made_only_for_their_channels() {
        let images = assets(&json!({}));
        assert_eq!(images.len(), 7);
        assert_eq!(
            assets(&json!({ "channels": ["display", "sky-writing"] })),
            images
        );
        let asked = assets(&json!({ "channels": ["video", "audio"] }));
        assert_eq!(asked, [&images[..], &["video", "audio-spot"]].concat());
    }

    #[test]
    fn the_voice_that_a_campaign_names_is_its_spots() {
        let id = "5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21";
        let campaign = json!({
            "tenantId": "t", "campaignId": "c", "headline": "Sale", "voiceModelId": id,
        });
        let configuration = describe(serde_json::from_value(campaign).unwrap()).configuration;
        let voice = |kind| configuration.voice_of(kind).map(|voice| voice.to_string());
        assert_eq!(voice(AssetKind::AudioSpot).as_deref(), Some(id));
        assert_eq!(voice(AssetKind::Video), None);
        assert_eq!(voice(AssetKind::BannerMobile), None);
    }

    #[test]
    fn a_campaigns_own_list_of_assets_overrides_its_channels() {
        assert_eq!(
            assets(&json!({ "assets": ["audio-spot"], "channels": ["video"] })),
            ["audio-spot"]
        );
        assert!(assets(&json!({ "assets": [] })).is_empty());
    }
}
