"""What is wrong with a sync is said before anything runs: every problem in one error, and no other model is held up."""

import json
import re

import pytest
from dbt_project import ROOT, DbtProject

REL = "source('crm', 'rows')"
TEXT = "{'name': 'city', 'type': 'string'}"
KNOWN = "; known are name, column, type, fields, "
NAME = ": a name has 1 to 255 characters and no space at its ends"
QUOTE = ": a name holds no double quote, backslash or control character"
LABEL = ": a label and the type label go together"
IDENTIFIES = " identifies the user or steers Braze; it cannot be an attribute"
FIELD = "is a profile field of Braze and has the type"


def attributes(*given: str, more: str = "") -> str:
    """A call of attributes_sync() with these attributes."""
    return f"attributes_sync({REL}, external_id='id', attributes=[{', '.join(given)}]{more})"


# Model -> the call in it, and how each of its problems begins.
WRONG: dict[str, tuple[str, list[str]]] = {
    "arguments": (
        "attributes_sync('rows', external_id='id', attributes='name', baseline='yes', update_existing_only=1, merge_objects='no')",
        [
            "relation is no ref(…) or source(…)",
            "attributes is no list",
            "baseline is 'yes'; it can be true or false",
            "update_existing_only is '1'; it can be true or false",
            "merge_objects is 'no'; it can be true or false",
        ],
    ),
    "specs": (
        attributes(
            "{'column': 'a', 'typ': 'string'}",
            "5",
            "{'name': 'o', 'fields': [{'type': 'string'}, 'city', 7]}",
        ),
        [
            f"attributes, entry 1 has typ{KNOWN}",
            "attributes, entry 1 has no name that is text",
            "attributes, entry 2 is neither a name nor {name, column, type, …}",
            "field 1 of attributes, entry 3 has no name that is text",
            "field 3 of attributes, entry 3 is neither a name nor {name, column, type, …}",
        ],
    ),
    "field_lists": (
        attributes("{'name': 'o', 'fields': 'city'}", "{'name': 'p', 'fields': {'name': 'city'}}"),
        ["the fields of attributes, entry 1 are no list", "the fields of attributes, entry 2 are no list"],
    ),
    "everything": (
        f"attributes_sync({REL}, alias_name='id', priority=['phone'], deliver='mail', users_that_left='gone', dropped_attributes='left')",
        [
            "priority names 'phone'; this sync has alias",
            "an alias needs both alias_name and alias_label",
            "no attributes",
            "deliver is 'mail'; it can be rest or cdi",
            "users_that_left is 'gone'; it can be kept or unset",
            "dropped_attributes is 'left'; it can be kept or unset",
        ],
    ),
    "no_identifier": (
        f"attributes_sync({REL}, priority='email', attributes=[{TEXT}])",
        [
            "priority is no list of kinds of identifier",
            "no identifier: give external_id, alias_name and alias_label, braze_id, email or phone",
        ],
    ),
    "too_many": (
        f"attributes_sync({REL}, external_id='id', attributes={[{'name': f'a{n}', 'type': 'string'} for n in range(251)]})",
        ["251 attributes; a row may hold 250, so split them over two models"],
    ),
    "names": (
        attributes(
            *(
                f"{{'name': {name!r}, 'type': 'string'}}"
                for name in (
                    "",
                    " x",
                    "x" * 256,
                    'q"',
                    "b\\",
                    "n\tm",
                    "external_id",
                    "user_alias",
                    "_merge_objects",
                )
            ),
            TEXT,
            TEXT,
        ),
        [
            f"attribute ''{NAME}",
            f"attribute ' x'{NAME}",
            f"attribute '{'x' * 256}'{NAME}",
            f"attribute 'q\"'{QUOTE}",
            f"attribute 'b\\'{QUOTE}",
            f"attribute 'n\tm'{QUOTE}",
            f"'external_id'{IDENTIFIES}",
            f"'user_alias'{IDENTIFIES}",
            f"'_merge_objects'{IDENTIFIES}",
            "attribute 'city' is listed 2 times",
        ],
    ),
    "own_identifier": (
        f"attributes_sync({REL}, email='mail', attributes=[{{'name': 'email', 'column': 'mail', 'type': 'string'}}])",
        [f"'email'{IDENTIFIES}"],
    ),
    "types": (
        attributes(
            "'untyped'",
            "{'name': 'a', 'type': 'number'}",
            "{'name': 'b', 'type': 'array', 'fields': ['x']}",
            "{'name': 'c', 'type': 'array', 'compare': 'sorted'}",
            "{'name': 'd', 'type': 'string', 'compare': 'set'}",
            "{'name': 'e', 'type': 'float', 'beyond_15_digits': 'text'}",
            "{'name': 'f', 'type': 'decimal', 'beyond_15_digits': 'round'}",
            "{'name': 'g', 'type': 'label'}",
            "{'name': 'h', 'type': 'string', 'label': 'x'}",
            "{'name': 'i', 'type': 'label', 'label': 'a\"b'}",
            "{'name': 'j', 'type': 'string', 'key': 'id'}",
            "{'name': 'k', 'type': 'array', 'compare': 'set', 'key': 'a.b'}",
        ),
        [
            "attribute 'untyped' has no type: give one of ",
            "attribute 'a' has the type 'number'; known are ",
            "attribute 'b' has fields, so its type is object and not array",
            "field 'x' of attribute 'b' has no type",
            "attribute 'c' is compared as 'sorted'; it can be list or set",
            "attribute 'd' is compared as 'set'; only arrays (list, set) and json (canonical, text) have a choice",
            "attribute 'e': beyond_15_digits is number or text, and for decimals alone",
            "attribute 'f': beyond_15_digits is number or text, and for decimals alone",
            f"attribute 'g'{LABEL}",
            f"attribute 'h'{LABEL}",
            "attribute 'i': a label holds no double quote, backslash or control character",
            "attribute 'j': a key is for arrays of objects, whose order then does not count",
            "attribute 'k': a key is the name of a field, without double quote, backslash, dot or $",
        ],
    ),
    "fields": (
        attributes(
            "{'name': 'place', 'fields': [{'name': 'a b', 'type': 'string'}, {'name': 'c', 'type': 'text'}, "
            f"{TEXT}, {TEXT}]}}"
        ),
        [
            "field 'a b' of attribute 'place': a key of an object holds no space, dot or $",
            "field 'c' of attribute 'place' has the type 'text'",
            "field 'city' of attribute 'place' is listed 2 times",
        ],
    ),
    "profile_fields": (
        attributes(
            "{'name': 'first_name', 'type': 'integer'}",
            "{'name': 'First_Name', 'type': 'integer'}",
            "{'name': 'dob', 'type': 'timestamp'}",
            "{'name': 'email_subscribe', 'type': 'boolean'}",
            "{'name': 'email_open_tracking_disabled', 'type': 'string'}",
            "{'name': 'date_of_first_session', 'type': 'integer'}",
            "{'name': 'subscription_groups', 'type': 'label', 'label': 'x'}",
            "{'name': 'twitter', 'type': 'string'}",
            "{'name': 'current_location', 'fields': [{'name': 'longitude', 'type': 'float'}]}",
        ),
        [
            f"attribute 'first_name' {FIELD} 'integer'; it can be string",
            f"attribute 'dob' {FIELD} 'timestamp'; it can be date or string",
            f"attribute 'email_subscribe' {FIELD} 'boolean'; it can be string",
            f"attribute 'email_open_tracking_disabled' {FIELD} 'string'; it can be boolean",
            f"attribute 'date_of_first_session' {FIELD} 'integer'; it can be timestamp or date or string",
            f"attribute 'subscription_groups' {FIELD} 'label'; it can be array or json",
            f"attribute 'twitter' {FIELD} 'string'; it can be object or json",
            "attribute 'current_location' has no field 'latitude'",
        ],
    ),
    "audience": (
        f"audience_sync({REL}, external_id='id', label=5, backfill='no')",
        ["backfill is 'no'", "label is missing, or no text", "attribute is missing, or no text"],
    ),
    "audience_names": (
        f"audience_sync({REL}, external_id='id', label='city', attribute='gender', deliver='ftp')",
        [f"attribute 'gender' {FIELD} 'array'", "deliver is 'ftp'"],
    ),
    "tags": (
        f"tagged_sync({REL}, key='user_id')",
        [
            "key is 'user_id'; it can be external_id or braze_id or email or phone",
            "no column of the relation has the tag braze_id in YAML",
            "no column of the relation has a tag like braze[first_name] in YAML",
        ],
    ),
    "events": (
        f"events_sync({REL}, external_id='id', properties=[{TEXT.replace('city', 'event_name')}, {TEXT.replace('city', '$a')}, 'n', 'n'], deliver=none)",
        [
            "event_id is missing, or no text",
            "name is missing, or no text",
            "time is missing, or no text",
            "property 'event_name' is reserved by Braze",
            "property '$a' starts with a dollar sign",
            "property 'n' has no type",
            "property 'n' has no type",
            "property 'n' is listed 2 times",
            "deliver is 'None'; it can be rest or cdi",
        ],
    ),
    "event_properties": (
        f"events_sync({REL}, event_id='id', external_id='id', name='city', time='mail', properties={{}})",
        ["properties is no list"],
    ),
    "purchases": (
        f"purchases_sync({REL}, purchase_id='id', properties=[{{'name': 'price', 'type': 'decimal'}}])",
        [
            "product_id is missing, or no text",
            "currency is missing, or no text",
            "price is missing, or no text",
            "time is missing, or no text",
            "no identifier",
            "property 'price' is reserved by Braze",
        ],
    ),
    "deletes": (
        f"deletes_sync({REL}, sent_by='users', request_id='id', alias_label='id')",
        [
            "an alias needs both alias_name and alias_label",
            "sent_by is no ref(…)",
            "request_id and updated_at are for lists, not for sent_by",
        ],
    ),
    "deletes_by_other": (
        f"deletes_sync({REL}, sent_by=ref('plain'), external_id='id', deliver='sftp')",
        ["deliver is 'sftp'", "sent_by is no attributes sync"],
    ),
    "catalog": (
        f"catalog_sync({REL}, fields=[{TEXT.replace('city', 'id')}, {TEXT.replace('city', 'a b')}, {TEXT}, {TEXT}], items_that_left='archived', null_fields='dropped')",
        [
            "catalog is missing, or no text",
            "id is missing, or no text",
            "field 'id': the argument id is that already",
            "field 'a b': a name has 1 to 250 letters, digits, - and _",
            "field 'city' is listed 2 times",
            "items_that_left is 'archived'; it can be deleted or kept",
            "null_fields is 'dropped'; it can be left_out or sent",
        ],
    ),
    "catalog_without_fields": (f"catalog_sync({REL}, catalog='c', id='id')", ["no fields"]),
    "catalog_of_501": (
        f"catalog_sync({REL}, catalog='c', id='id', fields={[{'name': f'f{n}', 'type': 'string'} for n in range(501)]})",
        ["501 fields; a catalog has 500 at most"],
    ),
    "canvas_triggers": (
        f"canvas_triggers_sync({REL}, alias_name='id', deliver='rest')",
        [
            "trigger_id is missing, or no text",
            "an alias needs both alias_name and alias_label",
            "deliver is 'rest'; Canvas triggers are read by Braze alone: cdi",
        ],
    ),
    "subscription_groups": (
        f"subscription_groups_sync({REL}, pairs_that_left='forgotten')",
        [
            "subscription_group_id is missing, or no text",
            "subscription_state is missing, or no text",
            "no identifier",
            "pairs_that_left is 'forgotten'; it can be kept or unsubscribed",
        ],
    ),
    "email_status": (
        f"email_status_sync({REL}, baseline=0)",
        [
            "baseline is '0'; it can be true or false",
            "email is missing, or no text",
            "subscription_state is missing, or no text",
        ],
    ),
    "aliases": (
        "aliases_sync(none)",
        [
            "relation is no ref(…) or source(…)",
            "alias_name is missing, or no text",
            "alias_label is missing, or no text",
        ],
    ),
    "identifies": (
        f"identifies_sync({REL}, external_id='id', email='mail')",
        ["the user by email needs a prioritization"],
    ),
    "merges": (
        f"merges_sync({REL}, to_merge={{'alias_name': 'id', 'phone': 'id'}}, prioritization=['newest'])",
        [
            "an alias needs both alias_name and alias_label",
            "identifier_to_keep has no identifier",
            "prioritization has 'newest'; known are identified, unidentified, ",
        ],
    ),
    "prioritization": (
        f"identifies_sync({REL}, external_id='id', email='mail', prioritization='identified')",
        ["prioritization is no list"],
    ),
    "both_priorities": (
        f"identifies_sync({REL}, external_id='id', email='mail', prioritization=['identified', 'unidentified'])",
        ["prioritization has both identified and unidentified; Braze takes one of them"],
    ),
}
# What only a warehouse with small columns of text reports.
NOT_ON_DUCKDB = [
    "the hashes of these attributes do not fit into a column of text here, so split them over two models"
]
# What the tests at the end of this file provoke.
ELSEWHERE = [
    "the var 'x'; it can be a number or null",
    "the var x is no number",
    "identifier is '",
    "attributes is no list of names",
    # test_package_models.py
    "the var x has no table",
    "in the var x sent_by can only be users_attributes_sync, switched on by braze_users_attributes",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """A project with every wrong model, and a right one, all of which have run."""
    project = DbtProject(tmp_path_factory.mktemp("config"))
    sources = [{"name": "crm", "schema": "main", "tables": [{"name": "rows"}]}]
    project.yaml("sources", {"version": 2, "sources": sources})
    project.sql("create table rows as select 'a' as id, 'X' as city, 'a@example.com' as mail")
    project.model("plain", "select 1 as id")
    project.model("right", "{{ dbt_braze." + attributes(TEXT) + " }}")
    for name, (call, _) in WRONG.items():
        project.model(f"wrong_{name}", "{{ dbt_braze." + call + " }}")
    project.run(fails=True)
    return project


@pytest.fixture(scope="module")
def messages(project: DbtProject) -> dict[str, str]:
    """The error of each wrong model."""
    results = json.loads((project.folder / "target" / "run_results.json").read_text())["results"]
    names = {result["unique_id"].rpartition(".")[2]: result for result in results}
    assert {name for name, result in names.items() if result["status"] == "success"} == {"plain", "right"}
    return {name.removeprefix("wrong_"): result["message"] for name, result in names.items()}


def problems(message: str) -> list[str]:
    """The problems of one error, in its order."""
    return re.findall(r"\n +- ([^\n]+)", message)


@pytest.mark.parametrize("name", WRONG)
def test_every_problem_of_a_model_is_in_its_one_error(messages: dict[str, str], name: str) -> None:
    found = problems(messages[name])
    expected = WRONG[name][1]
    beginnings = [max((e for e in expected if p.startswith(e)), key=len, default=p) for p in found]
    assert sorted(beginnings) == sorted(expected)


def test_no_other_model_is_held_up(project: DbtProject, messages: dict[str, str]) -> None:
    assert set(WRONG) < set(messages)
    assert project.sql('select PAYLOAD from "right"') == [('{"city":"X"}',)]


def test_wrong_guards_are_named(project: DbtProject) -> None:
    settings = {
        "braze_max_rows": "many",
        "braze_max_changed_share": True,
        "braze_max_data_points": None,
        "braze_source_lookback_hours": None,
    }
    output = project.run("--select", "right", fails=True, **settings)
    assert problems(output) == [
        "the var braze_max_changed_share is 'True'; it can be a number or null",
        "the var braze_max_rows is 'many'; it can be a number or null",
        "the var braze_source_lookback_hours is no number",
    ]


def test_wrong_arguments_of_a_reemission_are_named(project: DbtProject) -> None:
    arguments = json.dumps({"sync": "right", "identifier": "email", "attributes": "city"})
    output = project.dbt("run-operation", "braze_reemit", "--args", arguments, fails=True)
    assert problems(output) == [
        "identifier is 'email'; right has external_id",
        "attributes is no list of names",
    ]


def test_there_is_a_case_for_every_problem_that_the_macros_know(messages: dict[str, str]) -> None:
    reported = "\n".join([*messages.values(), *NOT_ON_DUCKDB, *ELSEWHERE])
    texts = []
    for path in sorted((ROOT / "macros" / "sync").glob("*.sql")):
        for call in re.findall(r"problems\.append\((.+?)\) -%}", path.read_text(), re.DOTALL):
            texts += re.findall(r"'([^'\n]*)'|\"([^\"\n]*)\"", call)
    pieces = [(one or two).strip() for one, two in texts if len(one or two) > 7]
    assert len(pieces) > 50
    assert [piece for piece in pieces if piece not in reported] == []
