{# The profile fields of Braze that an attribute of the same name, in lower case, is written to; any other spelling is a custom
   attribute (braze.com/docs, User attributes object). Each with the types that an attribute may have, with a case that is true
   for a JSON text `%s` that Braze takes, and with the words for it. #}
{% macro reserved_fields() %}
    {%- set text = {'types': ['string'], 'takes': "substring(%s, 1, 1) = '\"'", 'words': 'a text'} -%}
    {%- set code = {'types': ['string'], 'takes': dbt_braze.fits('%s', '"[A-Za-z][A-Za-z]"'), 'words': 'a code of two letters'} -%}
    {%- set flag = {'types': ['boolean'], 'takes': "%s in ('true', 'false')", 'words': 'true or false'} -%}
    {%- set moment = {
        'types': ['timestamp', 'date', 'string'], 'takes': dbt_braze.fits('%s', dbt_braze.reserved_time_pattern()), 'words': 'a time',
    } -%}
    {%- set list = {'types': ['array', 'json'], 'takes': "substring(%s, 1, 1) = '['", 'words': 'a list'} -%}
    {%- set object = {'types': ['object', 'json'], 'takes': "substring(%s, 1, 1) = '{'", 'words': 'an object'} -%}
    {%- set state = dbt_braze.one_of_words(['opted_in', 'unsubscribed', 'subscribed']) -%}
    {{ return({
        'first_name': text,
        'last_name': text,
        'home_city': text,
        'email': {'types': ['string'], 'takes': dbt_braze.fits('%s', '"[^"@ ]+@[^"@ ]+[.][^"@ ]+"'), 'words': 'an email address'},
        'phone': text,
        'dob': {
            'types': ['date', 'string'], 'takes': dbt_braze.fits('%s', '"' ~ dbt_braze.iso_day_pattern() ~ '"'), 'words': 'YYYY-MM-DD',
        },
        'gender': dbt_braze.one_of_words(['M', 'F', 'O', 'N', 'P']),
        'country': code,
        'language': code,
        'time_zone': text,
        'current_location': dict(object, takes=dbt_braze.is_location('%s'), words='an object with the numbers longitude and latitude'),
        'date_of_first_session': moment,
        'date_of_last_session': moment,
        'email_subscribe': state,
        'push_subscribe': state,
        'email_open_tracking_disabled': flag,
        'email_click_tracking_disabled': flag,
        'marked_email_as_spam_at': moment,
        'subscription_groups': list,
        'push_tokens': list,
        'facebook': object,
        'twitter': object,
        'image_url': dict(text, takes=text.takes ~ ' and ' ~ dbt_braze.json_string_length('%s') ~ ' <= 1024', words='a text of 1024 characters at most'),
    }) }}
{% endmacro %}


{% macro one_of_words(words) %}
    {%- set texts = [] -%}
    {%- for word in words -%} {%- do texts.append("'\"" ~ word ~ "\"'") -%} {%- endfor -%}
    {{ return({'types': ['string'], 'takes': '%s in (' ~ (texts | join(', ')) ~ ')', 'words': words | join(', ')}) }}
{% endmacro %}


{% macro is_location(text) %}
    {%- set conditions = ['substring(' ~ text ~ ", 1, 1) = '{'"] -%}
    {%- for name in ['longitude', 'latitude'] -%}
        {%- do conditions.append('coalesce(' ~ dbt_braze.fits(dbt_braze.field_read(text, name), dbt_braze.number_pattern()) ~ ', false)') -%}
    {%- endfor -%}
    {{ return(conditions | join(' and ')) }}
{% endmacro %}


{# The forms of a time that Braze reads in an attribute: braze.com/docs, Custom attribute data types. #}
{% macro reserved_time_pattern() %}
    {%- set day = dbt_braze.iso_day_pattern() -%}
    {{ return([
        dbt_braze.iso_time_pattern(), '"' ~ day ~ ' [0-9][0-9]:[0-9][0-9]:[0-9][0-9]"', '"[0-9][0-9]/[0-9][0-9]/[0-9]{4}"', '"[A-Z][a-z][a-z] [^"]+ [0-9]{4}"',
    ] | join('|')) }}
{% endmacro %}


{# What is wrong, at compile time, with an attribute that is a profile field. #}
{% macro reserved_field_problems(attribute) %}
    {%- set problems = [] -%}
    {%- set field = dbt_braze.reserved_fields().get(attribute.name) -%}
    {%- if field and attribute.type in dbt_braze.attribute_types() and attribute.type not in field.types -%}
        {%- do problems.append("attribute '" ~ attribute.name ~ "' is a profile field of Braze and has the type '" ~ attribute.type
            ~ "'; it can be " ~ (field.types | join(' or '))) -%}
    {%- endif -%}
    {%- if attribute.name == 'current_location' and attribute.fields -%}
        {%- for name in ['longitude', 'latitude'] if name not in attribute.fields | map(attribute='name') -%}
            {%- do problems.append("attribute 'current_location' has no field '" ~ name ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}
