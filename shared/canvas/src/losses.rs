//! Counts what of each field of a picture has no face, before anything is laid out: so it is told of
//! every field, also of one for which a design has no room.

use std::collections::BTreeMap;

use contract::Text;

use crate::{
    loss::{Field, Lost},
    text::Typesetter,
};

/// The fields of one picture, read one after another.
pub(crate) struct Losses<'a> {
    typesetter: &'a Typesetter,
    /// What was lost so far.
    pub(crate) lost: BTreeMap<Field, Lost>,
}

impl<'a> Losses<'a> {
    pub(crate) fn new(typesetter: &'a Typesetter) -> Self {
        Self {
            typesetter,
            lost: BTreeMap::new(),
        }
    }

    /// `text`, unless nothing of it can be drawn or most of its letters are lost.
    pub(crate) fn kept<'t>(&mut self, field: Field, text: &'t str) -> Option<&'t str> {
        let cleaned = self.typesetter.clean(text);
        let is_kept = !cleaned.is_blank() && !cleaned.lost.is_most();
        if cleaned.lost.characters() > 0 {
            self.lost.insert(field, cleaned.lost);
        }
        is_kept.then_some(text)
    }

    /// The text of a field other than the title, if there is any that is kept.
    pub(crate) fn fact<'t, const MAX: usize>(
        &mut self,
        field: Field,
        text: Option<&'t Text<MAX>>,
    ) -> Option<&'t str> {
        self.kept(field, text?.as_str())
    }
}
