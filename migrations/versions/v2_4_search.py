"""v2.4: people and families are found by the beginning of any word of their names and addresses.

Words are folded before they are kept, and what is looked for is folded by the same function: `Yılmaz`, `yilmaz` and
`YILMAZ` are one word, and so are `İpek` and `ipek`. No dictionary, extension or locale has a say in it, so that the
same name is found on every server.

Revision ID: v2.4_search
Revises: v2.3_free_days
"""

from portal.database.migration import run

revision = "v2.4_search"
down_revision = "v2.3_free_days"
branch_labels = None
depends_on = None

# Accents as NFKD sets them beside their letters, vowel points, and characters that only steer how a line is written.
MARKS = (
    r"\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2069\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff"
)
# What stands between words: everything that is no letter and no digit, by its place in Unicode, since a locale may know less.
BETWEEN = (
    r"\u0001-/:-@\[-`{-\u00bf\u00d7\u00f7\u02b0-\u02ff\u037e\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4"
    r"\u060c\u061b\u061f\u066a-\u066d\u0964\u0965\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\u30fb\ufe30-\ufe6f\U0001f000-\U0001faff"
)
# A database in the locale C lowers only a to z; and these letters have no accent to take away, but a plain one beside them.
CAPITALS = (
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏҐҒҖҚҢҮҰҲҺӘӨԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ"
)
SMALL = (
    "αβγδεζηθικλμνξοπρστυφχψωабвгдежзийклмнопрстуфхцчшщъыьэюяђєѕіјљњћџґғҗқңүұҳһәөաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ"
)
ALONE, PLAIN = "ıøØłŁđĐðÐħĦŧŦς", "ioollddddhhttσ"
PAIRS = {"ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th"}


def _in_pairs(expression: str) -> str:
    for letter, two in PAIRS.items():
        expression = f"replace({expression}, '{letter}', '{two}')"
    return expression


# They stand here and not among the other functions: a generated column needs its function before the table is changed,
# and whoever alters it has to write every row anew. Words of more than 60 letters are told apart by those only, which
# is far below what a tsvector can hold.
FUNCTIONS = rf"""
create function folded_words(written text) returns text[] language sql immutable parallel safe as $$
  select coalesce(array_agg(distinct left(word, 60)), '{{}}')
    from string_to_table(
      regexp_replace(
        translate({_in_pairs(f"lower(regexp_replace(normalize(written, NFKD), '[{MARKS}]', '', 'g'))")},
                  '{CAPITALS}{ALONE}', '{SMALL}{PLAIN}'),
        '[{BETWEEN}]+', ' ', 'g'), ' ') word
   where word <> ''
$$;
comment on function folded_words is 'The words of a text as they are searched: without capitals, accents and what stands between them.';

-- Parsed when it is made, so that a dump knows that it needs the other one.
create function search_words(written text) returns tsvector language sql immutable parallel safe
  return array_to_tsvector(folded_words(written));
"""  # noqa: S608 - constants of this file

COLUMNS = """
alter table users add search tsvector not null generated always as (
  search_words(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || email)) stored;
create index ix_users_search on users using gin (search);
alter table family_plans add search tsvector not null generated always as (search_words(coalesce(plan_name, ''))) stored;
alter table family_plans add name_key text collate "C" not null generated always as (lower(coalesce(plan_name, ''))) stored;
create index ix_family_plans_name_key on family_plans (name_key, id);
create index ix_family_plans_search on family_plans using gin (search);
"""


def upgrade() -> None:
    run(FUNCTIONS)
    run(COLUMNS)


def downgrade() -> None:
    run("""
      alter table family_plans drop search, drop name_key;
      alter table users drop search;
      drop function search_words(text), folded_words(text);
    """)
