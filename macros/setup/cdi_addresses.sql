{# Run-operation: the addresses that Braze connects from, of one instance or of all.

   dbt run-operation braze_cdi_addresses --args '{instance: US-01}' #}
{% macro braze_cdi_addresses(instance=none) %}
    {%- do dbt_braze.raise_setup_problems(dbt_braze.instance_problems(instance) if instance is not none else []) -%}
    {%- for name, addresses in dbt_braze.cdi_addresses().items() if instance is none or name == (instance | upper) -%}
        {%- do print(name ~ '  ' ~ (addresses | join(', '))) -%}
    {%- endfor -%}
{% endmacro %}


{# Instance -> addresses, from the list of braze.com/docs, Cloud Data Ingestion, Data warehouse integrations (read in 2026). #}
{% macro cdi_addresses() %}
    {%- set us_01_to_07 = [
        '23.21.118.191', '34.206.23.173', '50.16.249.9', '52.4.160.214', '54.87.8.34', '54.156.35.251', '52.54.89.238',
        '18.205.178.15',
    ] -%}
    {%- set eu_01_and_02 = [
        '52.58.142.242', '52.29.193.121', '35.158.29.228', '18.157.135.97', '3.123.166.46', '3.64.27.36', '3.65.88.25',
        '3.68.144.188', '3.70.107.88',
    ] -%}
    {{ return({
        'US-01': us_01_to_07,
        'US-02': us_01_to_07,
        'US-03': us_01_to_07,
        'US-04': us_01_to_07,
        'US-05': us_01_to_07,
        'US-06': us_01_to_07,
        'US-07': us_01_to_07,
        'US-08': [
            '52.151.246.51', '52.170.163.182', '40.76.166.157', '40.76.166.170', '40.76.166.167', '40.76.166.161',
            '40.76.166.156', '40.76.166.166', '40.76.166.160', '40.88.51.74', '52.154.67.17', '40.76.166.80',
            '40.76.166.84', '40.76.166.85', '40.76.166.81', '40.76.166.71', '40.76.166.144', '40.76.166.145',
        ],
        'US-10': [
            '100.25.232.164', '35.168.86.179', '52.7.44.117', '3.92.153.18', '35.172.3.129', '50.19.162.19',
        ],
        'EU-01': eu_01_and_02,
        'EU-02': eu_01_and_02,
        'AU-01': [
            '13.210.1.145', '13.211.70.159', '13.238.45.54', '52.65.73.167', '54.153.242.239', '54.206.45.213',
        ],
        'ID-01': [
            '108.136.157.246', '108.137.30.207', '16.78.128.71', '16.78.14.134', '16.78.162.208', '43.218.73.35',
        ],
        'JP-01': [
            '13.159.155.212', '54.199.221.241', '13.192.23.16', '54.250.120.139', '18.181.114.232', '3.114.38.100',
        ],
        'KR-01': [
            '43.200.215.4', '52.79.67.175', '52.79.113.60', '3.34.212.92', '54.116.134.231', '3.37.197.225',
        ],
    }) }}
{% endmacro %}


{% macro instance_problems(instance) %}
    {%- set known = dbt_braze.cdi_addresses().keys() -%}
    {%- if (instance | string | upper) in known -%} {{ return([]) }} {%- endif -%}
    {{ return(["instance is '" ~ instance ~ "'; known are " ~ (known | join(', '))]) }}
{% endmacro %}
