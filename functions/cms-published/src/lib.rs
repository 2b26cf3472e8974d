//! Describes `eventzr.cms.published.v1`: an article gets images in each of its languages.

use contract::{AssetKind, CmsPublished, Configuration, Entity, EntityKind, Topic};
use domain::Description;

/// The description of published content and the assets to make. Of two translations into one
/// language the later one counts.
#[must_use]
pub fn describe(content: CmsPublished) -> Description {
    let own = content.locale.clone();
    let translations = content
        .translations
        .into_iter()
        .map(|one| (one.locale.clone(), one.into()));
    Description {
        tenant: content.tenant_id,
        user: content.user_id,
        entity: Entity {
            kind: EntityKind::Content,
            id: content.content_id,
        },
        version: content.version,
        configuration: Configuration {
            description: content.summary,
            locale: content.locale,
            organizer: content.author,
            label: content.category,
            brand: content.brand,
            ..Configuration::titled(content.title)
        },
        // A CMS may list all languages, including the original's, which is not a translation.
        translations: translations
            .filter(|(locale, _)| own.as_ref() != Some(locale))
            .collect(),
        assets: content
            .assets
            .unwrap_or_else(|| AssetKind::made_for(Topic::CmsPublished).to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_article_is_described_in_each_of_its_languages() {
        let content = json!({
            "tenantId": "t", "contentId": "c", "title": "Rain", "summary": "It pours.", "category": "Weather", "author": "Ann",
            "locale": "en-in",
            "translations": [
                { "locale": "EN-IN", "title": "Rain, once more" },
                { "locale": "hi-IN", "title": "बारिश", "category": "मौसम" },
            ],
        });
        let described = describe(serde_json::from_value(content).unwrap());
        let languages: Vec<&str> = described
            .translations
            .keys()
            .map(|locale| locale.as_str())
            .collect();
        assert_eq!(languages, ["hi-IN"], "its own language is no translation");
        let own = described.configuration;
        let hindi = own.translated(
            described.translations.keys().next().unwrap().clone(),
            described.translations.into_values().next().unwrap(),
        );
        assert_eq!(
            (own.title.as_str(), hindi.title.as_str()),
            ("Rain", "बारिश")
        );
        assert_eq!(hindi.label.unwrap().as_str(), "मौसम");
        assert_eq!(
            hindi.description.unwrap().as_str(),
            "It pours.",
            "what is not translated is shown as it was written"
        );
    }
}
