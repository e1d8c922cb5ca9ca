select c.country, count(*) as buyers, sum(k.spent) as spent
from {{ ref('stg_customers') }} as c
join {{ ref('customers') }} as k on k.customer_id = c.customer_id
group by c.country
