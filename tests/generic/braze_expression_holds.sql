{# Fails for each row in which the expression is false or null. #}
{% test braze_expression_holds(model, expression) %}
select *
from {{ model }}
where not coalesce(({{ expression }}), false)
{% endtest %}
