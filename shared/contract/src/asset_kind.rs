//! The kinds of asset that the studio makes, and everything that depends on the kind alone: the
//! topics that ask for it, its size, its file format and the facts it shows.

use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

use crate::{FileFormat, MediaType, Topic};

/// A kind of asset. A template is one kind for one entity in one language.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumCount,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
pub enum AssetKind {
    /// A poster.
    Poster,
    /// An invitation.
    Invitation,
    /// A square post.
    SocialSquare,
    /// A post that is taller than wide.
    SocialPortrait,
    /// A story: it fills a phone's screen.
    SocialStory,
    /// A post that is wider than tall.
    SocialLandscape,
    /// The preview picture beside a shared link.
    LinkPreview,
    /// The cover of an event's page.
    EventCover,
    /// The picture at the head of an article.
    BlogImage,
    /// The picture beside an article's name in a list.
    Thumbnail,
    /// A billboard.
    BannerBillboard,
    /// A leaderboard.
    BannerLeaderboard,
    /// A medium rectangle.
    BannerRectangle,
    /// A wide skyscraper.
    BannerSkyscraper,
    /// A banner for phones.
    BannerMobile,
    /// A video.
    Video,
    /// A spoken spot.
    AudioSpot,
}

/// A part of a configuration that only some kinds show. Every kind shows title, language and brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The description, a few sentences long.
    Description,
    /// The dates and times.
    When,
    /// The place.
    Venue,
    /// The organizer, author or advertiser.
    Organizer,
    /// The short text above the title.
    Label,
    /// What the reader is asked to do.
    CallToAction,
}

impl AssetKind {
    /// Every kind.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The kinds made for an event of `topic`, unless the event lists its own. Empty for a topic
    /// that the studio does not consume.
    #[must_use]
    pub fn made_for(topic: Topic) -> &'static [Self] {
        match topic {
            Topic::EventCreated => &[Self::Poster, Self::Invitation],
            Topic::EventPublished => &[
                Self::SocialSquare,
                Self::SocialStory,
                Self::SocialLandscape,
                Self::LinkPreview,
                Self::EventCover,
            ],
            Topic::CmsPublished => &[Self::BlogImage, Self::Thumbnail, Self::LinkPreview],
            Topic::CampaignLaunched => &[
                Self::BannerBillboard,
                Self::BannerLeaderboard,
                Self::BannerRectangle,
                Self::BannerSkyscraper,
                Self::BannerMobile,
                Self::SocialSquare,
                Self::SocialPortrait,
                // These two only if the campaign's channels include them.
                Self::Video,
                Self::AudioSpot,
            ],
            Topic::RenderJobCreated
            | Topic::RenderJobCompleted
            | Topic::RenderJobFailed
            | Topic::TemplateCreated
            | Topic::TemplateUpdated
            | Topic::VoiceModelCreated
            | Topic::VoiceModelReady => &[],
        }
    }

    /// The kind as the contract and file names write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poster => "poster",
            Self::Invitation => "invitation",
            Self::SocialSquare => "social-square",
            Self::SocialPortrait => "social-portrait",
            Self::SocialStory => "social-story",
            Self::SocialLandscape => "social-landscape",
            Self::LinkPreview => "link-preview",
            Self::EventCover => "event-cover",
            Self::BlogImage => "blog-image",
            Self::Thumbnail => "thumbnail",
            Self::BannerBillboard => "banner-billboard",
            Self::BannerLeaderboard => "banner-leaderboard",
            Self::BannerRectangle => "banner-rectangle",
            Self::BannerSkyscraper => "banner-skyscraper",
            Self::BannerMobile => "banner-mobile",
            Self::Video => "video",
            Self::AudioSpot => "audio-spot",
        }
    }

    /// Width and height in pixels; `None` for audio.
    #[must_use]
    pub fn size(self) -> Option<(u32, u32)> {
        match self {
            Self::Poster | Self::SocialPortrait => Some((1080, 1350)),
            Self::Invitation => Some((1200, 1600)),
            Self::SocialSquare => Some((1080, 1080)),
            Self::SocialStory => Some((1080, 1920)),
            Self::SocialLandscape | Self::BlogImage => Some((1600, 900)),
            Self::LinkPreview => Some((1200, 630)),
            Self::EventCover => Some((1920, 1005)),
            Self::Thumbnail => Some((400, 300)),
            Self::BannerBillboard => Some((970, 250)),
            Self::BannerLeaderboard => Some((728, 90)),
            Self::BannerRectangle => Some((300, 250)),
            Self::BannerSkyscraper => Some((160, 600)),
            Self::BannerMobile => Some((320, 50)),
            Self::Video => Some((1280, 720)),
            Self::AudioSpot => None,
        }
    }

    /// Whether a part of the asset is a picture worth generating. The other kinds consist of text
    /// and ornament, or are too small.
    #[must_use]
    pub fn is_illustrated(self) -> bool {
        match self {
            Self::Poster
            | Self::SocialSquare
            | Self::SocialPortrait
            | Self::SocialStory
            | Self::SocialLandscape
            | Self::LinkPreview
            | Self::EventCover
            | Self::BlogImage => true,
            Self::Invitation
            | Self::Thumbnail
            | Self::BannerBillboard
            | Self::BannerLeaderboard
            | Self::BannerRectangle
            | Self::BannerSkyscraper
            | Self::BannerMobile
            | Self::Video
            | Self::AudioSpot => false,
        }
    }

    /// The asset's media type.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        match self {
            Self::Poster
            | Self::Invitation
            | Self::SocialSquare
            | Self::SocialPortrait
            | Self::SocialStory
            | Self::SocialLandscape
            | Self::LinkPreview
            | Self::EventCover
            | Self::BlogImage
            | Self::Thumbnail
            | Self::BannerBillboard
            | Self::BannerLeaderboard
            | Self::BannerRectangle
            | Self::BannerSkyscraper
            | Self::BannerMobile => MediaType::Image,
            Self::Video => MediaType::Video,
            Self::AudioSpot => MediaType::Audio,
        }
    }

    /// The asset's file format.
    #[must_use]
    pub fn format(self) -> FileFormat {
        match self.media_type() {
            MediaType::Image => FileFormat::Png,
            MediaType::Video => FileFormat::Mp4,
            MediaType::Audio => FileFormat::Mp3,
        }
    }

    /// Whether this kind shows `fact`. A change to a fact that it does not show causes no new
    /// render.
    #[must_use]
    pub fn shows(self, fact: Fact) -> bool {
        use Fact::{CallToAction, Description, Label, Organizer, Venue, When};
        match self {
            Self::Poster | Self::Invitation => {
                matches!(fact, Description | When | Venue | Organizer)
            }
            Self::SocialSquare | Self::SocialLandscape | Self::LinkPreview | Self::EventCover => {
                matches!(fact, When | Venue | Organizer | Label | CallToAction)
            }
            Self::SocialPortrait | Self::SocialStory => true,
            Self::BlogImage => matches!(fact, Organizer | Label),
            Self::Thumbnail => matches!(fact, Label),
            Self::BannerBillboard | Self::BannerRectangle | Self::BannerSkyscraper => {
                matches!(fact, When | Venue | Label | CallToAction)
            }
            Self::BannerLeaderboard => matches!(fact, When | CallToAction),
            Self::BannerMobile => matches!(fact, CallToAction),
            Self::Video | Self::AudioSpot => true,
        }
    }
}
