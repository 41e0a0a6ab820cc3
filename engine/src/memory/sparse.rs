//! A group of fields of a row that most rows leave at their defaults: then it takes a null pointer.

use rkyv::niche::option_box::{ArchivedOptionBox, OptionBoxResolver};
use rkyv::rancor::Fallible;
use rkyv::ser::Writer;
use rkyv::traits::ArchivePointee;
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Deserialize, Place, Serialize};

/// How the group is archived: behind a pointer, which is null if it equals its default.
pub(crate) struct Sparse;

fn present<T: Default + PartialEq>(group: &T) -> Option<&T> {
    (*group != T::default()).then_some(group)
}

impl<T> ArchiveWith<T> for Sparse
where
    T: Archive<Archived: ArchivePointee> + Default + PartialEq,
{
    type Archived = ArchivedOptionBox<T::Archived>;
    type Resolver = OptionBoxResolver;

    fn resolve_with(group: &T, resolver: OptionBoxResolver, out: Place<Self::Archived>) {
        ArchivedOptionBox::resolve_from_option(present(group), resolver, out);
    }
}

impl<T, S> SerializeWith<T, S> for Sparse
where
    T: Serialize<S, Archived: ArchivePointee> + Default + PartialEq,
    S: Fallible + Writer + ?Sized,
{
    fn serialize_with(group: &T, serializer: &mut S) -> Result<OptionBoxResolver, S::Error> {
        ArchivedOptionBox::serialize_from_option(present(group), serializer)
    }
}

impl<T, D> DeserializeWith<ArchivedOptionBox<T::Archived>, T, D> for Sparse
where
    T: Archive<Archived: ArchivePointee + Deserialize<T, D>> + Default,
    D: Fallible + ?Sized,
{
    fn deserialize_with(
        group: &ArchivedOptionBox<T::Archived>,
        deserializer: &mut D,
    ) -> Result<T, D::Error> {
        group.as_deref().map_or_else(|| Ok(T::default()), |g| g.deserialize(deserializer))
    }
}
