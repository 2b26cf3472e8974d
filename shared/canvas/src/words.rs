//! The fixed words of a design and how a language writes dates. Three languages, each whole; any other is English.

use events::Locale;

/// A language that the designs speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Hindi,
    Arabic,
}

/// A language and what its region changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Speech {
    pub(crate) language: Language,
    /// The day has 24 hours on the clock, not twice 12.
    pub(crate) full_day_clock: bool,
    /// Digits are ٠ to ٩.
    pub(crate) arabic_digits: bool,
    months: &'static [&'static str; 12],
}

/// The fixed words of the designs.
pub(crate) struct Words {
    /// The invitation's greeting.
    pub(crate) invited: &'static str,
    /// Stands before the organizer on an invitation.
    pub(crate) hosted_by: &'static str,
    /// Stands before the organizer on a poster.
    pub(crate) presented_by: &'static str,
    /// A title's stand-in when none of it can be drawn.
    pub(crate) event: &'static str,
}

impl Speech {
    /// The language of a tag; English without one.
    pub(crate) fn of(locale: Option<&Locale>) -> Self {
        let tag = locale.map(Locale::as_str).unwrap_or_default().to_ascii_lowercase();
        // Subtags after a singleton belong to an extension: `u-nu-arab` is no region.
        let mut subtags = tag.split('-');
        let language = subtags.next().unwrap_or_default();
        let region = subtags
            .take_while(|subtag| subtag.len() > 1)
            .find(|subtag| subtag.len() == 2 || (subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit())))
            .unwrap_or_default();
        match language {
            "hi" => {
                Self { language: Language::Hindi, full_day_clock: false, arabic_digits: false, months: &HINDI_MONTHS }
            }
            "ar" => Self {
                language: Language::Arabic,
                full_day_clock: false,
                // Where Arabic is set with Western digits, by CLDR.
                arabic_digits: !matches!(region, "ae" | "dz" | "eh" | "ly" | "ma" | "tn"),
                months: match region {
                    "iq" | "jo" | "lb" | "ps" | "sy" => &LEVANTINE_MONTHS,
                    "dz" | "tn" => &TUNISIAN_MONTHS,
                    "ma" => &MOROCCAN_MONTHS,
                    _ => &ARABIC_MONTHS,
                },
            },
            _ => Self {
                language: Language::English,
                full_day_clock: matches!(region, "gb" | "ie" | "150"),
                arabic_digits: false,
                months: &ENGLISH_MONTHS,
            },
        }
    }

    /// Whether the language runs from right to left.
    pub(crate) fn right_to_left(self) -> bool {
        self.language == Language::Arabic
    }

    /// The fixed words.
    pub(crate) fn words(self) -> &'static Words {
        match self.language {
            Language::English => &Words {
                invited: "You’re invited",
                hosted_by: "Hosted by",
                presented_by: "Presented by",
                event: "Event",
            },
            Language::Hindi => {
                &Words {
                    invited: "आप सादर आमंत्रित हैं", hosted_by: "निवेदक:", presented_by: "प्रस्तुति:", event: "कार्यक्रम"
                }
            }
            Language::Arabic => {
                &Words {
                    invited: "يسعدنا دعوتكم", hosted_by: "الداعي:", presented_by: "تقديم:", event: "فعالية"
                }
            }
        }
    }

    /// A month by its number, 1 to 12.
    pub(crate) fn month(self, number: i8) -> &'static str {
        self.months[usize::try_from(number - 1).unwrap_or_default() % 12]
    }

    /// A weekday by its number from Monday, 0 to 6.
    pub(crate) fn weekday(self, from_monday: i8) -> &'static str {
        let names: [&str; 7] = match self.language {
            Language::English => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
            Language::Hindi => ["सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"],
            Language::Arabic => ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"],
        };
        names[usize::try_from(from_monday).unwrap_or_default() % 7]
    }

    /// `number` in the language's digits, at least `least` of them.
    pub(crate) fn number(self, number: i32, least: usize) -> String {
        let western = format!("{number:0least$}");
        if !self.arabic_digits {
            return western;
        }
        western.chars().map(|c| c.to_digit(10).and_then(|d| char::from_u32(0x660 + d)).unwrap_or(c)).collect()
    }
}

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const HINDI_MONTHS: [&str; 12] =
    ["जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"];
const ARABIC_MONTHS: [&str; 12] =
    ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"];
const LEVANTINE_MONTHS: [&str; 12] = [
    "كانون الثاني",
    "شباط",
    "آذار",
    "نيسان",
    "أيار",
    "حزيران",
    "تموز",
    "آب",
    "أيلول",
    "تشرين الأول",
    "تشرين الثاني",
    "كانون الأول",
];
const TUNISIAN_MONTHS: [&str; 12] =
    ["جانفي", "فيفري", "مارس", "أفريل", "ماي", "جوان", "جويلية", "أوت", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"];
const MOROCCAN_MONTHS: [&str; 12] =
    ["يناير", "فبراير", "مارس", "أبريل", "ماي", "يونيو", "يوليوز", "غشت", "شتنبر", "أكتوبر", "نونبر", "دجنبر"];
