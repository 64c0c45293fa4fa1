-- Written for these tests after prisma/schema.prisma and the migrations of the original system's repository.
create table "User" (
  id text primary key, "firstName" text not null, "lastName" text not null, email text not null unique, phone text not null,
  source text not null, "referenceName" text, "createdAt" timestamp(3) not null default current_timestamp,
  role text not null default 'user');
create table "Subscription" (
  id text primary key, "userId" text not null references "User", "planType" text not null, "startDate" timestamp(3) not null,
  "endDate" timestamp(3) not null, "paymentRef" text, status text not null,
  "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3) not null default now(),
  "orderId" text not null, "paymentStatus" text not null, duration integer, price integer not null default 0);
create table "Meeting" (
  id text primary key, "meetingDate" timestamp(3) not null unique, platform text not null, "meetingLink" text not null,
  "startTime" timestamp(3) not null, "endTime" timestamp(3) not null, "createdBy" text not null,
  "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3) not null default now(),
  "isDefault" boolean not null default false, "meetingDesc" text, "meetingTitle" text not null default 'GOALETE Club Session',
  "googleEventId" text, "zoomMeetingId" text, "zoomStartUrl" text);
create table "_MeetingUsers" ("A" text not null references "Meeting", "B" text not null references "User", primary key ("A", "B"));

insert into "User" (id, "firstName", "lastName", email, phone, source, role) values
  ('u1', 'Asha', 'Rao', 'asha@old.example', '+91 1', 'friend', 'admin'),
  ('u2', 'Bina', 'Rao', 'bina@old.example', '+91 2', 'friend', 'user'),
  ('u3', '', '', 'Asha@old.example', '+91 3', 'web', 'user'),
  ('u4', 'Chandra', 'Sen', 'chandra@old.example', '+91 4', 'web', 'user'),
  ('u5', 'Dev', 'Sen', 'dev@old.example', '+91 5', 'web', 'user'),
  ('u6', 'Esha', 'Sen', 'esha@old.example', '+91 6', 'web', 'user');
insert into "Subscription" (id, "userId", "planType", "startDate", "endDate", "paymentRef", status, "createdAt", "orderId", "paymentStatus", price) values
  ('s1', 'u1', 'comboPlan', now() - interval '5 days', now() + interval '25 days', 'pay_A', 'active', now() - interval '5 days 1 second', 'order_A', 'success', 2000),
  ('s2', 'u2', 'comboPlan', now() - interval '5 days', now() + interval '25 days', 'pay_A', 'active', now() - interval '5 days', 'order_A', 'success', 2000),
  ('s3', 'u4', 'monthly', now() - interval '20 days', now() + interval '10 days', 'pay_B', 'active', now() - interval '20 days', 'order_B', 'success', 2499),
  ('s4', 'u4', 'monthly', now() - interval '1 day', now() + interval '29 days', 'pay_C', 'active', now() - interval '1 day', 'order_C', 'success', 2499),
  ('s5', 'u4', 'monthly', now() - interval '90 days', now() - interval '60 days', 'pay_D', 'inactive', now() - interval '90 days', 'order_D', 'success', 2499),
  ('s6', 'u5', 'daily', now() - interval '1 hour', now() + interval '23 hours', 'pay_E', 'active', now(), 'order_E', 'success', 299),
  ('s7', 'u5', 'unlimited', now() - interval '1 day', now() + interval '60 days', '', 'active', now(), 'order_F', 'success', 0),
  ('s8', 'u6', 'comboPlan', now() - interval '5 days', now() + interval '25 days', 'pay_G', 'active', now(), 'order_G', 'success', 2000),
  ('s9', 'u6', 'monthly', now() - interval '5 days', now() + interval '25 days', '', 'inactive', now(), 'order_H', 'pending', 2499),
  ('s10', 'u6', 'monthly', now() + interval '5 days', now() - interval '25 days', 'pay_I', 'active', now(), 'order_I', 'success', 2499),
  ('s11', 'u6', 'monthly', now(), now() + interval '25 days', 'pay_J', 'active', now(), 'order_J', 'half', 2499),
  ('s12', 'u3', 'monthly', now(), now() + interval '25 days', 'pay_K', 'active', now(), 'order_K', 'success', 2499);
insert into "Meeting" (id, "meetingDate", platform, "meetingLink", "startTime", "endTime", "createdBy", "meetingTitle") values
  ('m1', '2025-06-10', 'google-meet', 'https://meet.example/1', '2025-06-10 15:30', '2025-06-10 16:30', 'system', 'Then'),
  ('m2', now()::date + 3, 'zoom', 'https://zoom.example/2', now()::date + 3 + time '15:30', now()::date + 3 + time '16:30', 'system', 'Soon'),
  ('m3', now()::date + 4, 'skype', 'https://skype.example/3', now()::date + 4 + time '15:30', now()::date + 4 + time '16:30', 'system', 'Odd');
insert into "_MeetingUsers" values ('m1', 'u1'), ('m1', 'u3'), ('m2', 'u2'), ('m3', 'u2');
