-- How good the forecasts made at the end of earlier months were: revenue forecast and earned, by month they were made.
select
    forecasts.month as forecast_made_in,
    forecasts.tenant_id,
    count(*) as days_forecast,
    sum(forecasts.forecast) as forecast_revenue,
    sum(coalesce(sales.total_revenue, 0)) as actual_revenue,
    sum(case when sales.total_revenue between forecasts.lower and forecasts.upper then 1 else 0 end) as days_in_band,
    round(max(forecasts.backtest_error), 3) as backtest_error,
    round(max(forecasts.baseline_error), 3) as baseline_error
from gold.sales_forecast as forecasts
left join gold.daily_sales_summary as sales
    on forecasts.date = sales.dt and forecasts.tenant_id = sales.tenant_id
where forecasts.date <= (select max(dt) from gold.daily_sales_summary)
group by forecasts.month, forecasts.tenant_id
order by forecast_made_in, forecasts.tenant_id
