//! The fixed words of a design, and the names of days and months, in seven languages. Any other
//! language gets English.

use contract::Locale;

use crate::fonts::Han;

/// A language of the designs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Hindi,
    Arabic,
    Japanese,
    SimplifiedChinese,
    TraditionalChinese,
    Korean,
}

/// A language with its regional variations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocaleRules {
    pub(crate) language: Language,
    /// Whether the clock has 24 hours, not twice 12.
    pub(crate) full_day_clock: bool,
    /// Whether digits are ٠ to ٩.
    pub(crate) arabic_digits: bool,
    months: &'static [&'static str; 12],
}

/// The counters after the numbers of a date, in languages that begin with the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) year: &'static str,
    pub(crate) day: &'static str,
    /// The space between year, month and day.
    pub(crate) space: &'static str,
}

/// The fixed words of the designs.
pub(crate) struct Words {
    /// The invitation's greeting.
    pub(crate) invited: &'static str,
    /// The words before the organizer on an invitation.
    pub(crate) hosted_by: &'static str,
    /// The words before the organizer on a poster.
    pub(crate) presented_by: &'static str,
}

impl LocaleRules {
    /// The language of a tag; English without one.
    pub(crate) fn of(locale: Option<&Locale>) -> Self {
        let tag = locale
            .map(Locale::as_str)
            .unwrap_or_default()
            .to_ascii_lowercase();
        // Subtags after a singleton belong to an extension: the `arab` of `u-nu-arab` is no region.
        let mut subtags = tag.split('-');
        let language = subtags.next().unwrap_or_default();
        let region = subtags
            .take_while(|subtag| subtag.len() > 1)
            .find(|subtag| {
                subtag.len() == 2
                    || (subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit()))
            })
            .unwrap_or_default();
        match language {
            "hi" => Self {
                language: Language::Hindi,
                full_day_clock: false,
                arabic_digits: false,
                months: &HINDI_MONTHS,
            },
            "ar" => Self {
                language: Language::Arabic,
                full_day_clock: false,
                // The regions in which CLDR writes Arabic with Western digits.
                arabic_digits: !matches!(region, "ae" | "dz" | "eh" | "ly" | "ma" | "tn"),
                months: match region {
                    "iq" | "jo" | "lb" | "ps" | "sy" => &LEVANTINE_MONTHS,
                    "dz" | "tn" => &TUNISIAN_MONTHS,
                    "ma" => &MOROCCAN_MONTHS,
                    _ => &ARABIC_MONTHS,
                },
            },
            "ja" => Self::with_full_day(Language::Japanese, &NUMBERED_MONTHS),
            // Posters in Beijing and Taipei use the 24-hour clock, although people in Taipei say
            // the half of the day.
            "zh" | "cmn" | "yue" if is_traditional(language, &tag, region) => {
                Self::with_full_day(Language::TraditionalChinese, &NUMBERED_MONTHS)
            }
            "zh" | "cmn" | "yue" => {
                Self::with_full_day(Language::SimplifiedChinese, &NUMBERED_MONTHS)
            }
            "ko" => Self {
                language: Language::Korean,
                full_day_clock: false,
                arabic_digits: false,
                months: &KOREAN_MONTHS,
            },
            _ => Self {
                language: Language::English,
                full_day_clock: matches!(region, "gb" | "ie" | "150"),
                arabic_digits: false,
                months: &ENGLISH_MONTHS,
            },
        }
    }

    fn with_full_day(language: Language, months: &'static [&'static str; 12]) -> Self {
        Self {
            language,
            full_day_clock: true,
            arabic_digits: false,
            months,
        }
    }

    /// The form of Chinese characters that the reader knows, if the language has any.
    pub(crate) fn han(self) -> Option<Han> {
        match self.language {
            Language::Japanese => Some(Han::Japanese),
            Language::SimplifiedChinese => Some(Han::Simplified),
            Language::TraditionalChinese => Some(Han::Traditional),
            Language::Korean => Some(Han::Korean),
            Language::English | Language::Hindi | Language::Arabic => None,
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
            },
            Language::Hindi => &Words {
                invited: "आप सादर आमंत्रित हैं",
                hosted_by: "निवेदक:",
                presented_by: "प्रस्तुति:",
            },
            Language::Arabic => &Words {
                invited: "يسعدنا دعوتكم",
                hosted_by: "الداعي:",
                presented_by: "تقديم:",
            },
            Language::Japanese => &Words {
                invited: "ご招待",
                hosted_by: "主催",
                presented_by: "主催",
            },
            Language::SimplifiedChinese => &Words {
                invited: "诚邀您莅临",
                hosted_by: "主办",
                presented_by: "主办",
            },
            Language::TraditionalChinese => &Words {
                invited: "誠摯邀請您",
                hosted_by: "主辦",
                presented_by: "主辦",
            },
            Language::Korean => &Words {
                invited: "초대합니다",
                hosted_by: "주최",
                presented_by: "주최",
            },
        }
    }

    /// The name of a month, 1 to 12.
    pub(crate) fn month(self, number: i8) -> &'static str {
        self.months[usize::try_from(number - 1).unwrap_or_default() % 12]
    }

    /// The name of a weekday, 0 (Monday) to 6.
    pub(crate) fn weekday(self, from_monday: i8) -> &'static str {
        let names: [&str; 7] = match self.language {
            Language::English => [
                "Monday",
                "Tuesday",
                "Wednesday",
                "Thursday",
                "Friday",
                "Saturday",
                "Sunday",
            ],
            Language::Hindi => [
                "सोमवार",
                "मंगलवार",
                "बुधवार",
                "गुरुवार",
                "शुक्रवार",
                "शनिवार",
                "रविवार",
            ],
            Language::Arabic => [
                "الاثنين",
                "الثلاثاء",
                "الأربعاء",
                "الخميس",
                "الجمعة",
                "السبت",
                "الأحد",
            ],
            Language::Japanese => [
                "月曜日",
                "火曜日",
                "水曜日",
                "木曜日",
                "金曜日",
                "土曜日",
                "日曜日",
            ],
            Language::SimplifiedChinese | Language::TraditionalChinese => [
                "星期一",
                "星期二",
                "星期三",
                "星期四",
                "星期五",
                "星期六",
                "星期日",
            ],
            Language::Korean => [
                "월요일",
                "화요일",
                "수요일",
                "목요일",
                "금요일",
                "토요일",
                "일요일",
            ],
        };
        names[usize::try_from(from_monday).unwrap_or_default() % 7]
    }

    /// The counters after the numbers of a date; `None` for a language that begins with the day.
    pub(crate) fn counters(self) -> Option<Counters> {
        match self.language {
            Language::English | Language::Hindi | Language::Arabic => None,
            Language::Japanese | Language::SimplifiedChinese | Language::TraditionalChinese => {
                Some(Counters {
                    year: "年",
                    day: "日",
                    space: "",
                })
            }
            Language::Korean => Some(Counters {
                year: "년",
                day: "일",
                space: " ",
            }),
        }
    }

    /// `number` in the language's digits, with at least `least` of them.
    pub(crate) fn number(self, number: i32, least: usize) -> String {
        let western = format!("{number:0least$}");
        if !self.arabic_digits {
            return western;
        }
        western
            .chars()
            .map(|c| {
                c.to_digit(10)
                    .and_then(|d| char::from_u32(0x660 + d))
                    .unwrap_or(c)
            })
            .collect()
    }
}

/// Whether a tag of Chinese asks for traditional characters: by its script, else by its region,
/// else by its language.
fn is_traditional(language: &str, tag: &str, region: &str) -> bool {
    match tag
        .split('-')
        .take_while(|subtag| subtag.len() > 1)
        .find(|subtag| matches!(*subtag, "hant" | "hans"))
    {
        Some(script) => script == "hant",
        None => matches!(region, "tw" | "hk" | "mo") || (language == "yue" && region != "cn"),
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
const HINDI_MONTHS: [&str; 12] = [
    "जनवरी",
    "फ़रवरी",
    "मार्च",
    "अप्रैल",
    "मई",
    "जून",
    "जुलाई",
    "अगस्त",
    "सितंबर",
    "अक्टूबर",
    "नवंबर",
    "दिसंबर",
];
const ARABIC_MONTHS: [&str; 12] = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
];
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
const TUNISIAN_MONTHS: [&str; 12] = [
    "جانفي",
    "فيفري",
    "مارس",
    "أفريل",
    "ماي",
    "جوان",
    "جويلية",
    "أوت",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
];
const MOROCCAN_MONTHS: [&str; 12] = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "ماي",
    "يونيو",
    "يوليوز",
    "غشت",
    "شتنبر",
    "أكتوبر",
    "نونبر",
    "دجنبر",
];
const NUMBERED_MONTHS: [&str; 12] = [
    "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
];
const KOREAN_MONTHS: [&str; 12] = [
    "1월", "2월", "3월", "4월", "5월", "6월", "7월", "8월", "9월", "10월", "11월", "12월",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn language(tag: &str) -> Language {
        LocaleRules::of(Locale::parse(tag).as_ref()).language
    }

    #[test]
    fn chinese_takes_its_script_from_the_tag_or_the_region() {
        for tag in [
            "zh",
            "zh-CN",
            "zh-SG",
            "zh-Hans",
            "zh-Hans-HK",
            "zh-Hans-TW",
            "cmn",
            "yue-CN",
        ] {
            assert_eq!(language(tag), Language::SimplifiedChinese, "{tag}");
        }
        for tag in [
            "zh-TW",
            "zh-HK",
            "zh-MO",
            "zh-Hant",
            "zh-Hant-CN",
            "zh-hant-sg",
            "yue",
            "yue-HK",
        ] {
            assert_eq!(language(tag), Language::TraditionalChinese, "{tag}");
        }
        assert_eq!(language("zh-CN-u-co-hant"), Language::SimplifiedChinese);
    }

    #[test]
    fn each_cjk_language_has_a_form_of_chinese_characters() {
        for (tag, han) in [
            ("ja-JP", Han::Japanese),
            ("zh", Han::Simplified),
            ("zh-TW", Han::Traditional),
            ("ko", Han::Korean),
        ] {
            assert_eq!(
                LocaleRules::of(Locale::parse(tag).as_ref()).han(),
                Some(han)
            );
        }
        assert_eq!(LocaleRules::of(Locale::parse("vi").as_ref()).han(), None);
    }
}
