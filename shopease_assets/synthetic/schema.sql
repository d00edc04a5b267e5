-- sqlfluff:dialect:postgres
-- sqlfluff:exclude_rules:layout.indent,references.keywords,structure.column_order
-- The ShopEase source, schema `shop`. Read by schema.py: the sections are created separately, so that data is
-- loaded before constraints and indexes; dirty data leaves the constraints out.

-- section: tables
create schema shop;

create table shop.tenants (
    tenant_id int not null,
    name text not null,
    slug text not null,
    domain text,
    plan text not null,
    is_active boolean not null,
    settings jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.stores (
    store_id int not null,
    tenant_id int not null,
    name text not null,
    city text not null,
    state text not null,
    country text not null,
    manager_name text,
    opened_on date not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.customers (
    customer_id bigint not null,
    tenant_id int not null,
    email text not null,
    first_name text not null,
    last_name text not null,
    phone text,
    date_of_birth date,
    gender text,
    address_line1 text,
    city text not null,
    state text not null,
    postal_code text not null,
    country text not null,
    customer_segment text not null,
    is_active boolean not null,
    metadata jsonb not null,
    registered_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.products (
    product_id bigint not null,
    tenant_id int not null,
    sku text not null,
    name text not null,
    description text,
    category text not null,
    subcategory text not null,
    brand text not null,
    price numeric(12, 2) not null,
    cost numeric(12, 2) not null,
    supplier_id int,
    reorder_level int not null,
    is_active boolean not null,
    launched_on date not null,
    attributes jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.subscriptions (
    subscription_id bigint not null,
    tenant_id int not null,
    customer_id bigint not null,
    plan_name text not null,
    status text not null,
    start_date date not null,
    end_date date,
    monthly_amount numeric(12, 2) not null,
    billing_cycle text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.inventory (
    product_id bigint not null,
    store_id int not null,
    stock_quantity int not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.inventory_movements (
    movement_id bigint not null,
    product_id bigint not null,
    store_id int not null,
    quantity_delta int not null,
    reason text not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.orders (
    order_id bigint not null,
    tenant_id int not null,
    customer_id bigint not null,
    store_id int,
    order_number text not null,
    status text not null,
    payment_method text not null,
    payment_status text not null,
    sales_channel text not null,
    shipping_method text,
    shipping_city text,
    shipping_state text,
    shipping_postal_code text,
    shipping_country text,
    subtotal numeric(12, 2) not null,
    tax_amount numeric(12, 2) not null,
    shipping_cost numeric(12, 2) not null,
    discount_amount numeric(12, 2) not null,
    total_amount numeric(12, 2) not null,
    currency char(3) not null,
    coupon_code text,
    metadata jsonb not null,
    ordered_at timestamptz not null,
    shipped_at timestamptz,
    delivered_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.order_items (
    order_item_id bigint not null,
    order_id bigint not null,
    product_id bigint not null,
    quantity int not null,
    unit_price numeric(12, 2) not null,
    discount_amount numeric(12, 2) not null,
    line_total numeric(12, 2) not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.web_events (
    event_id bigint not null,
    tenant_id int not null,
    customer_id bigint,
    session_id text not null,
    event_type text not null,
    product_id bigint,
    page_url text not null,
    referrer_url text,
    device_type text not null,
    browser text not null,
    os text not null,
    ip_address inet,
    user_agent text,
    event_data jsonb not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.invoices (
    invoice_id bigint not null,
    tenant_id int not null,
    customer_id bigint not null,
    subscription_id bigint,
    invoice_number text not null,
    amount numeric(12, 2) not null,
    status text not null,
    issue_date date not null,
    due_date date not null,
    paid_date date,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- section: constraints
-- Enumerations are checked loosely: the application that writes them is careless about case and spaces.
alter table shop.tenants
    add primary key (tenant_id),
    add unique (slug),
    add check (lower(btrim(plan)) in ('free', 'standard', 'enterprise'));

alter table shop.stores
    add primary key (store_id),
    add foreign key (tenant_id) references shop.tenants;

alter table shop.customers
    add primary key (customer_id),
    add foreign key (tenant_id) references shop.tenants,
    add check (lower(btrim(customer_segment)) in ('premium', 'standard', 'basic'));

alter table shop.products
    add primary key (product_id),
    add unique (tenant_id, sku),
    add foreign key (tenant_id) references shop.tenants,
    add check (price >= 0 and cost >= 0);

alter table shop.subscriptions
    add primary key (subscription_id),
    add foreign key (tenant_id) references shop.tenants,
    add foreign key (customer_id) references shop.customers,
    add check (lower(btrim(status)) in ('trial', 'active', 'cancelled', 'expired')),
    add check (lower(btrim(billing_cycle)) in ('monthly', 'yearly')),
    add check (monthly_amount >= 0),
    add check (end_date >= start_date);

alter table shop.inventory
    add primary key (product_id, store_id),
    add foreign key (product_id) references shop.products,
    add foreign key (store_id) references shop.stores;

alter table shop.inventory_movements
    add primary key (movement_id),
    add foreign key (product_id) references shop.products,
    add foreign key (store_id) references shop.stores,
    add check (lower(btrim(reason)) in ('sale', 'receipt', 'return', 'adjustment'));

alter table shop.orders
    add primary key (order_id),
    add unique (order_number),
    add foreign key (tenant_id) references shop.tenants,
    add foreign key (customer_id) references shop.customers,
    add foreign key (store_id) references shop.stores,
    add check (lower(btrim(status)) in ('pending', 'processing', 'shipped', 'delivered', 'cancelled', 'returned')),
    add check (lower(btrim(sales_channel)) in ('web', 'mobile', 'store', 'marketplace')),
    add check (total_amount = subtotal + tax_amount + shipping_cost - discount_amount),
    add check (shipped_at >= ordered_at),
    add check (delivered_at >= shipped_at);

alter table shop.order_items
    add primary key (order_item_id),
    add foreign key (order_id) references shop.orders,
    add foreign key (product_id) references shop.products,
    add check (quantity > 0),
    add check (line_total = quantity * unit_price - discount_amount);

alter table shop.web_events
    add primary key (event_id),
    add foreign key (tenant_id) references shop.tenants,
    add foreign key (customer_id) references shop.customers,
    add foreign key (product_id) references shop.products,
    add check (
        lower(btrim(event_type)) in (
            'page_view', 'product_view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase', 'click'
        )
    );

alter table shop.invoices
    add primary key (invoice_id),
    add unique (invoice_number),
    add foreign key (tenant_id) references shop.tenants,
    add foreign key (customer_id) references shop.customers,
    add foreign key (subscription_id) references shop.subscriptions,
    add check (amount >= 0),
    add check (lower(btrim(status)) in ('draft', 'sent', 'paid', 'overdue', 'cancelled')),
    add check (due_date >= issue_date);

-- section: indexes
create index on shop.tenants (updated_at);
create index on shop.stores (updated_at);
create index on shop.stores (tenant_id);
create index on shop.customers (updated_at);
create index on shop.customers (tenant_id);
create index on shop.products (updated_at);
create index on shop.subscriptions (updated_at);
create index on shop.subscriptions (customer_id);
create index on shop.inventory (updated_at);
create index on shop.inventory (store_id);
create index on shop.inventory_movements (occurred_at);
create index on shop.inventory_movements (updated_at);
create index on shop.inventory_movements (product_id, store_id);
create index on shop.orders (ordered_at);
create index on shop.orders (updated_at);
create index on shop.orders (customer_id);
create index on shop.order_items (order_id);
create index on shop.order_items (updated_at);
create index on shop.order_items (product_id);
create index on shop.web_events (occurred_at);
create index on shop.web_events (updated_at);
create index on shop.web_events (customer_id);
create index on shop.web_events (product_id);
create index on shop.invoices (issue_date);
create index on shop.invoices (updated_at);
create index on shop.invoices (customer_id);
create index on shop.invoices (subscription_id);

-- section: triggers
create function shop.touch() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end
$$;

-- Whoever sets updated_at means it (the generator plays days that are not today); everybody else gets the clock.
create trigger touch before update on shop.tenants for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.stores for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.customers for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.products for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.subscriptions for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.inventory for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.inventory_movements for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.orders for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.order_items for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.web_events for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
create trigger touch before update on shop.invoices for each row
    when (new.updated_at is not distinct from old.updated_at) execute function shop.touch();
