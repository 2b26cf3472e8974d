//! The kinds of asset the studio makes, and everything that goes by the kind alone: who asks for
//! it, its size, its file, what it shows.

use serde::{Deserialize, Serialize};

use crate::{Format, MediaType, Topic};

/// A kind of asset. A template is one of these for one entity, in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssetKind {
    /// A poster.
    Poster,
    /// An invitation.
    Invitation,
    /// A square post.
    SocialSquare,
    /// A post higher than wide.
    SocialPortrait,
    /// A story: a whole telephone's screen.
    SocialStory,
    /// A post wider than high.
    SocialLandscape,
    /// What stands beside a link that somebody shares.
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
    /// A banner on a telephone.
    BannerMobile,
    /// A video.
    Video,
    /// A spoken spot.
    AudioSpot,
}

/// Something of a configuration that some kinds show and others do not. Title, language and brand
/// are shown by all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The few sentences.
    Description,
    /// The days and hours.
    When,
    /// The place.
    Venue,
    /// Who stands behind it.
    Organizer,
    /// The words above the title.
    Label,
    /// What the reader is asked to do.
    CallToAction,
}

impl AssetKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Poster,
        Self::Invitation,
        Self::SocialSquare,
        Self::SocialPortrait,
        Self::SocialStory,
        Self::SocialLandscape,
        Self::LinkPreview,
        Self::EventCover,
        Self::BlogImage,
        Self::Thumbnail,
        Self::BannerBillboard,
        Self::BannerLeaderboard,
        Self::BannerRectangle,
        Self::BannerSkyscraper,
        Self::BannerMobile,
        Self::Video,
        Self::AudioSpot,
    ];

    /// What an event of `topic` has made, as far as it does not say otherwise. Nothing, if the
    /// studio does not consume it.
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
                // These two only where the campaign's channels ask for them.
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

    /// The kind as the contract writes it, and as file names have it.
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

    /// Width and height in pixels; `None` for what is only heard.
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

    /// Whether a picture fills a part of it that is worth painting. The others are text and
    /// ornament, or as small as a stamp.
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

    /// What kind of media it is.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        match self {
            Self::Video => MediaType::Video,
            Self::AudioSpot => MediaType::Audio,
            _ => MediaType::Image,
        }
    }

    /// The format of its file.
    #[must_use]
    pub fn format(self) -> Format {
        match self.media_type() {
            MediaType::Image => Format::Png,
            MediaType::Video => Format::Mp4,
            MediaType::Audio => Format::Mp3,
        }
    }

    /// Whether it shows `fact`. A change of what it does not show renders nothing again.
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
