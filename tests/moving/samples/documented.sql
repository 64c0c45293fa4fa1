-- Written for these tests after the schema documentation of the original system; Prisma makes such tables of it.
create table users (
  id text primary key, email text not null unique, "firstName" text, "lastName" text,
  "createdAt" timestamp(3) not null default now(), "updatedAt" timestamp(3) not null default now(),
  "isActive" boolean not null default true, "isAdmin" boolean not null default false, "subscriptionStatus" text,
  "subscriptionType" text, "subscriptionExpiry" timestamp(3), "familyPlanId" text, "familyRole" text,
  timezone text not null default 'UTC', "preferredMeetingTime" text default '21:00', "lastLoginAt" timestamp(3),
  "emailVerified" boolean not null default false);
create table family_plans (
  id text primary key, "primaryUserId" text not null unique, "planName" text, "maxMembers" integer not null default 6,
  "currentMembers" integer not null default 1, "isActive" boolean not null default true,
  "createdAt" timestamp(3) not null default now(), "updatedAt" timestamp(3) not null default now(),
  "subscriptionExpiry" timestamp(3), "billingCycle" text);
create table meetings (
  id text primary key, title text not null, description text, "scheduledDate" timestamp(3) not null, "startTime" text not null,
  duration integer not null default 60, timezone text not null default 'UTC', platform text not null default 'google-meet',
  "meetingLink" text, "meetingId" text, "isPrivate" boolean not null default true, "maxAttendees" integer default 50,
  "requiresApproval" boolean not null default false, status text not null default 'scheduled',
  "isRecurring" boolean not null default false, "createdAt" timestamp(3) not null default now(),
  "updatedAt" timestamp(3) not null default now(), "createdBy" text, "attendeeCount" integer not null default 0,
  "actualDuration" integer);
create table meeting_attendances (
  id text primary key, "meetingId" text not null references meetings, "userId" text not null references users,
  status text not null default 'invited', "invitedAt" timestamp(3) not null default now(), "respondedAt" timestamp(3),
  "joinedAt" timestamp(3), "leftAt" timestamp(3), "emailDomain" text, "isExternalDomain" boolean not null default false,
  "joinDuration" integer, "deviceType" text, "createdAt" timestamp(3) not null default now(),
  "updatedAt" timestamp(3) not null default now(), unique ("meetingId", "userId"));
create table orders (
  id text primary key, "userId" text not null references users, "orderNumber" text not null unique,
  status text not null default 'pending', amount numeric(10, 2) not null, currency text not null default 'USD',
  "subscriptionType" text not null, "billingCycle" text not null, "paymentMethod" text, "paymentProvider" text,
  "transactionId" text, "createdAt" timestamp(3) not null default now(), "updatedAt" timestamp(3) not null default now(),
  "completedAt" timestamp(3));

insert into users (id, email, "firstName", "lastName", "isAdmin", "subscriptionStatus", "subscriptionExpiry", "familyPlanId", "familyRole", timezone) values
  ('u1-ana', 'ana@old.example', 'Ana', 'Duarte', true, 'active', now() + interval '300 days', 'f1', 'primary', 'Asia/Kolkata'),
  ('u2-ben', 'ben@old.example', 'Ben', null, false, 'active', now() + interval '300 days', 'f1', 'member', 'UTC'),
  ('u3-capitals', 'ANA@old.example', 'Ana', 'Duarte', false, 'active', now() + interval '30 days', null, null, 'UTC'),
  ('u4-nameless', 'nameless@old.example', null, null, false, 'active', now() + interval '40 days', null, null, 'UTC'),
  ('u5-expired', 'expired@old.example', 'Ex', '', false, 'active', now() - interval '5 days', null, null, 'UTC'),
  ('u6-lost', 'lost@old.example', 'Lost', 'Child', false, 'paused', now() + interval '5 days', 'f9', 'member', 'UTC'),
  ('u7-mars', 'mars@old.example', 'Mar', 'Tian', false, null, null, null, null, 'Mars/Olympus'),
  ('u8-no-address', 'nobody', 'No', 'Address', false, null, null, null, null, 'UTC'),
  ('u9-dateless', 'dateless@old.example', 'Date', 'Less', false, 'active', null, 'f2', 'primary', 'UTC');
insert into family_plans (id, "primaryUserId", "planName") values
  ('f1', 'u1-ana', 'Duarte'), ('f2', 'u9-dateless', 'Unpaid'), ('f3', 'u0-gone', 'Orphaned');
insert into orders (id, "userId", "orderNumber", status, amount, currency, "subscriptionType", "billingCycle", "paymentProvider", "transactionId", "completedAt") values
  ('o1', 'u1-ana', 'ORD-1', 'completed', 19000.50, 'INR', 'family', 'yearly', 'razorpay', 'pay_1', now() - interval '65 days'),
  ('o2', 'u1-ana', 'ORD-2', 'completed', 20.00, 'USD', 'individual', 'monthly', 'stripe', 'pi_2', now() - interval '10 days'),
  ('o3', 'u4-nameless', 'ORD-3', 'refunded', 20.00, 'EUR', 'individual', 'monthly', 'stripe', 'pi_3', now() - interval '400 days'),
  ('o4', 'u2-ben', 'ORD-4', 'pending', 20.00, 'USD', 'individual', 'monthly', null, null, null),
  ('o5', 'u2-ben', 'ORD-5', 'completed', 20.00, 'USD', 'individual', 'weekly', null, null, now()),
  ('o6', 'u2-ben', 'ORD-6', 'completed', 10.50, 'JPY', 'individual', 'monthly', null, null, now()),
  ('o7', 'u3-capitals', 'ORD-7', 'completed', 20.00, 'USD', 'individual', 'monthly', null, null, now()),
  ('o8', 'u2-ben', 'ORD-8', 'completed', 20.00, 'USD', 'individual', 'monthly', null, null, null);
insert into meetings (id, title, "scheduledDate", "startTime", timezone, "maxAttendees", status, "meetingLink") values
  ('m1', 'Past', (now() - interval '3 days')::date, '21:00', 'Asia/Kolkata', 1, 'completed', 'https://meet.example/past'),
  ('m2', 'Ahead', (now() + interval '3 days')::date, '21:00', 'UTC', 50, 'scheduled', 'https://meet.example/ahead'),
  ('m3', 'Odd', (now() + interval '3 days')::date, 'nine', 'UTC', 50, 'scheduled', null),
  ('m4', 'Vague', (now() - interval '3 days')::date, '21:00', 'UTC', 50, 'perhaps', null),
  ('m5', 'Off', (now() - interval '30 days')::date, '21:00', 'UTC', 50, 'cancelled', null);
insert into meeting_attendances (id, "meetingId", "userId", status, "joinedAt", "leftAt", "deviceType") values
  ('a1', 'm1', 'u1-ana', 'attended', (now() - interval '3 days')::date + time '15:30', (now() - interval '3 days')::date + time '16:10', 'desktop'),
  ('a2', 'm1', 'u2-ben', 'attended', (now() - interval '3 days')::date + time '16:10', (now() - interval '3 days')::date + time '15:30', 'fridge'),
  ('a3', 'm1', 'u4-nameless', 'no_show', null, null, null),
  ('a4', 'm2', 'u1-ana', 'accepted', null, null, null),
  ('a5', 'm2', 'u2-ben', 'maybe', null, null, null),
  ('a6', 'm3', 'u2-ben', 'accepted', null, null, null),
  ('a7', 'm2', 'u3-capitals', 'declined', null, null, null);
